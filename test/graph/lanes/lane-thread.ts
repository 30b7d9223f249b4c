/** A thread that sums three dates of one value by lanes; see tiles.test.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { laneKernel } from '../../../src/graph/lanes/lane-kernel.ts';
import { Expressions } from '../../../src/graph/lanes/expression.ts';

const { value } = workerData as { value: number };
const started = performance.now();
const make = new Expressions();
const sum = [1, 2].reduce((total, k) => make.add(total, make.sample(0, k, 'float64')), make.sample(0, 0, 'float64'));
const results = [{ value: sum, isNull: null }];
const refuse = () => { throw new Error('The block is for lanes.'); };
const kernel = laneKernel({ inputs: [{ dtype: 'float64', length: 3 }], dtype: 'float64', length: null, plain: results, guarded: results }, { dtype: 'float64', length: null, labels: null, run: refuse });
const { data } = kernel.run([{ data: new Float64Array(30_000).fill(value), nulls: null }], 1, 10_000);
parentPort!.postMessage({ sum: Array.from(data).reduce((a, b) => a + b, 0), ms: performance.now() - started });
