/** The API with operators, and a worker that calls them, for tests. */
import type { RequestHandler } from 'express';
import { createInferenceRouter, createOperatorRouter, type OperatorService } from '../../../src/api/operators/router.ts';
import type { Shared } from '../../../src/api/dependencies.ts';
import { RunWatch } from '../../../src/jobs/watch.ts';
import type { Engine } from '../../../src/layers/scope.ts';
import { silentLog } from '../../../src/log.ts';
import { plainOperator } from '../../../src/operators/called-operator.ts';
import type { Operator, OperatorManifest, OperatorRuntime } from '../../../src/operators/operator.ts';
import { createRegistry, openRegistry } from '../../../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../../../src/operators/runtime/onnx.ts';
import { createSyncHandler } from '../../../src/workers/processing.ts';
import { startService, type TestService } from '../service.ts';

export interface OperatorTestService extends TestService {
  /** What programs got: the parameters and the length of each block. */
  readonly called: { params: Operator['params']; length: number }[];
  /** Values that a program gives from now on; an Error is thrown. */
  answer(with_: ((length: number) => Float32Array) | Error): void;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** A program with a required and an optional parameter: two bands, patches of 4 pixels with 1 around, 3 numbers. */
export const spectral: OperatorManifest = {
  namespace: 'e2s', name: 'spectral', version: '2.1.0', title: 'Spectral <indices>', description: 'Means of *bands*.', license: 'MIT', kind: 'exec', command: ['./run.sh'], files: {},
  params: [
    { name: 'gain', description: 'Factor.', type: 'number', minimum: 0, maximum: 9 },
    { name: 'mode', description: 'Which.', type: 'string', enum: ['mean', 'median'], default: 'mean' },
  ],
  input: { bands: [{ name: 'B04', common_name: 'red' }, { name: 'B08' }], fill: 0, gsd: 10, gsd_range: [5, 20] },
  patch: 4, halo: 1, output: { dimensions: 3, prefix_truncatable: false }, min_valid: 0.5,
  quantization: { int8: { scale: [1, 1, 1], offset: [0, 0, 0] } },
  rgb: { mean: [0, 0, 0], components: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], low: [0, 0, 0], high: [1, 1, 1] }, golden: 'golden.json',
};

export async function startOperatorService(maxSamples = 300_000): Promise<OperatorTestService> {
  const shipped = await openRegistry('operators');
  const versions = ['2.1.0', '2.0.0', '3.0.0-rc1'].map((version) => plainOperator({ ...spectral, version }, async () => '/nowhere'));
  const forbidden = plainOperator({ ...spectral, namespace: 'other', kind: 'image', image: `docker.io/x@sha256:${'0'.repeat(64)}` } as OperatorManifest, async () => '/nowhere');
  const operators = createRegistry([...shipped.list(), ...versions, forbidden]);
  const onnx = createOnnxRuntime({ threads: 1, log: silentLog });
  const called: OperatorTestService['called'] = [];
  let answering: ((length: number) => Float32Array) | Error = (length) => new Float32Array(length).fill(0.5);
  const runtime: OperatorRuntime = {
    async run(operator, input, rows, columns, signal) {
      if (operator.runtime === 'onnx') return onnx.run(operator, input, rows, columns, signal);
      called.push({ params: operator.params, length: input.length });
      if (answering instanceof Error) throw answering;
      return answering(3 * ((rows - 2) / 4) * ((columns - 2) / 4));
    },
    close: () => onnx.close(),
  };
  const later = (make: (service: OperatorService) => RequestHandler) => (shared: Shared): RequestHandler => {
    let router: RequestHandler | undefined;
    return (request, response, next) => {
      router ??= make({ ...service, operators, canRun: ({ runtime: name }) => name !== 'podman', timeoutSeconds: 30, maxSamples, version: '0.1.0', ...shared });
      return router(request, response, next);
    };
  };
  const service: TestService = await startService({ mounts: [{ path: '/operators', handler: later(createOperatorRouter) }, { path: '/v2', handler: later(createInferenceRouter) }] });
  const { jobs, objects, queues, folder } = service;
  await queues.work('sync', 1, createSyncHandler({
    store: jobs.store, logs: jobs.logs, watch: new RunWatch(jobs.store, 50), objects, log: silentLog,
    engine: { operators } as unknown as Engine, scratch: folder, syncMaxSamples: 1e6, runtime,
  }));
  return {
    ...service, called,
    answer: (next) => void (answering = next),
    post: async (path, body, headers) => fetch(service.url + path, {
      method: 'POST', body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', ...(headers ?? await service.token()) },
    }),
    async close() {
      await service.close();
      await runtime.close();
    },
  };
}
