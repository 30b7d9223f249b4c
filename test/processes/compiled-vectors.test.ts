/** The upstream test vectors once more, through compiled kernels: what can be data of a cube is, the rest is constant. */
import { afterAll, describe, expect, it } from 'vitest';
import { isOpenEOError } from '../../src/errors.ts';
import type { Value } from '../../src/graph/value.ts';
import { scalarProcesses } from '../../src/processes/index.ts';
import { expectReturned } from '../conformance/vector-compare.ts';
import { absent, specFolder, toProcess, toValue, vectors, type Vector } from '../conformance/vectors.ts';
import { asInput, callbackFrom, cellResult, laneResult } from '../graph/kernels.ts';

/** Arguments of these names steer a process; everything else is data. */
const isSetting = (name: string) => !['x', 'y', 'data', 'base', 'p', 'value', 'accept', 'reject', 'array1', 'array2'].includes(name);

const takesBooleans = (process: string) => ['all', 'and', 'any', 'not', 'or', 'xor'].includes(process);

/** Cases of arrays without labels that ask for what a dimension, which always has labels, answers otherwise. */
const isUnlabeled = ({ process, index }: Vector) => (process === 'array_append' && index === 11) || (process === 'array_find_label' && index === 0);

/** Results that no cube can hold: texts, arrays of texts, objects. */
const isStorable = (returns: unknown) => asInput('returns', toValue(returns)) !== null;

interface Split {
  readonly inputs: { input: Parameters<ReturnType<typeof callbackFrom>['compile']>[0][number]; data: Parameters<typeof cellResult>[1][number] }[];
  readonly constants: Record<string, Value>;
}

function split(vector: Vector, parameters: Readonly<Record<string, Value>>): Split {
  const constants: Record<string, Value> = {};
  const inputs = Object.entries(parameters).flatMap(([name, value]) => {
    const isData = !isSetting(name) && !(vector.process === 'round' && name === 'p');
    const input = isData ? asInput(name, value, takesBooleans(vector.process) ? 'boolean' : 'number') : null;
    if (!input) constants[name] = value;
    return input ?? [];
  });
  return { inputs, constants };
}

/** Graphs of vectors that ran as WebAssembly, too. */
const inLanes = new Set<object>();

async function expectCase(vector: Vector): Promise<void> {
  const { process, parameters } = toProcess(vector);
  const { inputs, constants } = split(vector, parameters);
  let returned;
  let byLanes;
  try {
    const kernel = callbackFrom(process.process_graph, Object.keys(parameters)).compile(inputs.map((i) => i.input), constants);
    returned = cellResult(kernel, inputs.map((i) => i.data));
    byLanes = laneResult(kernel, inputs.map((i) => i.data));
    if (kernel.length !== null) {
      returned = cutNulls(returned, vector.returns);
      if (byLanes !== undefined) byLanes = cutNulls(byLanes, vector.returns);
    }
  } catch (error) {
    expect(isOpenEOError(error), String(error)).toBe(true);
    expect(vector.throws, `threw ${String(error)}`).toBeDefined();
    return;
  }
  expect('returns' in vector, `returned ${JSON.stringify(returned)} instead of throwing ${String(vector.throws)}`).toBe(true);
  await expectReturned(returned, plainArray(vector.returns), vector.delta);
  if (byLanes === undefined) return;
  inLanes.add(process.process_graph);
  await expectReturned(byLanes, plainArray(vector.returns), vector.delta);
}

/** In a cube all arrays have one length: short ones end with no-data. */
function cutNulls(returned: Value, returns: unknown): Value {
  const expected = plainArray(returns);
  const length = Array.isArray(expected) ? expected.length : 0;
  const values = Array.isArray(returned) ? returned as readonly Value[] : (returned as { values: readonly Value[] }).values;
  expect(values.slice(length).every((v) => v === null)).toBe(true);
  return values.slice(0, length);
}

/** Arrays of a cube always have labels, those of a vector may have none: only values are compared. */
function plainArray(returns: unknown): unknown {
  const labeled = returns as { type?: unknown; data?: { value: unknown }[] } | null;
  return labeled?.type === 'labeled-array' ? labeled.data!.map((e) => e.value) : returns;
}

describe.each(Object.keys(scalarProcesses).sort())('%s', (id) => {
  if (!specFolder) it.skip(absent);
  for (const vector of vectors(id)) {
    if (vector.skip !== undefined) it.skip(`${vector.index}: ${vector.skip}`);
    else if (isUnlabeled(vector)) it.skip(`${vector.index}: needs an array without labels`);
    else if ('returns' in vector && !isStorable(plainArray(vector.returns))) it.skip(`${vector.index}: no cube can hold the result`);
    else it(`passes case ${vector.index}`, () => expectCase(vector));
  }
  it('is compiled or known to be interpreted', () => {
    const isKnown = /^(text|date)_|^array_modify$/.test(id);
    const isFolded = ['e', 'nan', 'pi'].includes(id);
    expect(scalarProcesses[id]!.emit !== undefined).toBe(!isKnown && !isFolded);
  });
});

/** Fewer would mean that processes lost their form for lanes unnoticed. */
if (specFolder) afterAll(() => expect(inLanes.size).toBeGreaterThan(550));
