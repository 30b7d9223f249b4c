/** Lane 'sync', for clients that call an operator directly: a tensor in, its embeddings out. */
import { OpenEOError } from '../errors.ts';
import type { InferenceOrder } from '../jobs/payloads.ts';
import { noResult, type StoredFile } from '../jobs/results.ts';
import type { RunContext, Work } from '../jobs/run.ts';
import { decodeNpy, encodeNpy, type NpyArray } from '../operators/npy.ts';
import { processorWarning, type Accelerators } from '../operators/accelerators.ts';
import type { Operator, OperatorRegistry, OperatorRuntime } from '../operators/operator.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CpuShares } from './cpu-shares.ts';
import { RunMeter } from './run-meter.ts';

export interface InferenceDependencies {
  readonly operators: OperatorRegistry;
  readonly runtime: OperatorRuntime;
  readonly objects: ObjectStore;
  readonly cpu?: CpuShares | undefined;
  readonly accelerators?: Accelerators | undefined;
}

/**
 * Embeds [n, bands, rows, columns] and stores [n, dimensions, rows of patches, columns of patches] as .npy in the
 * folder of the run. Each of the n counts as one block computed.
 *
 * @throws OperatorFailed for values that are no finite numbers, and whatever the runtime throws
 */
export async function infer(dependencies: InferenceDependencies, order: InferenceOrder, run: RunContext): Promise<Work> {
  const { operators, objects, accelerators } = dependencies;
  const operator = operators.resolve(order.operator);
  const warnings = [operators.caveat?.(operator) ?? null, accelerators ? processorWarning(operator, accelerators) : null];
  for (const warning of warnings) if (warning !== null) run.log.warning(warning);
  const cpu = dependencies.cpu?.enter() ?? null;
  const meter = new RunMeter({ cpu });
  run.measure(() => meter.usage());
  try {
    const input = await readInput(objects, order.objectKey);
    const output = await embedAll(dependencies, operator, input, run.signal);
    meter.computed = input.shape[0]!;
    meter.samplesRead = input.data.length;
    const file = await store(objects, `${run.folder}output.npy`, output);
    return { result: { ...noResult, files: [file] }, usage: meter.usage() };
  } finally {
    cpu?.leave();
  }
}

async function readInput(objects: ObjectStore, key: string): Promise<NpyArray> {
  const bytes = await objects.get(key);
  if (bytes === null) throw new OpenEOError('StorageFailure', {}, { detail: 'The input of the request is not there any more.' });
  return decodeNpy(bytes);
}

/** The runtime is given all blocks at once: it knows how many it takes in one call. */
async function embedAll({ runtime }: InferenceDependencies, operator: Operator, { shape, data }: NpyArray, signal: AbortSignal): Promise<NpyArray> {
  const [n, , rows, columns] = shape as [number, number, number, number];
  const size = data.length / n;
  const blocks = await Promise.all(Array.from({ length: n }, (_, i) => runtime.run(operator, data.slice(i * size, (i + 1) * size), rows, columns, signal)));
  return joined(operator, blocks, rows, columns);
}

function joined({ manifest, reference }: Operator, blocks: readonly Float32Array[], rows: number, columns: number): NpyArray {
  const { patch, halo, output } = manifest;
  const shape = [output.dimensions, (rows - 2 * halo) / patch, (columns - 2 * halo) / patch];
  const length = shape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(blocks.length * length);
  blocks.forEach((block, i) => {
    if (block.length !== length) throw new OpenEOError('OperatorFailed', { operator: reference, reason: `it gave ${block.length} numbers, not the ${length} of [${shape.join(', ')}]` });
    if (!block.every(Number.isFinite)) throw new OpenEOError('OperatorFailed', { operator: reference, reason: 'it gave values that are no finite numbers' });
    data.set(block, i * length);
  });
  return { shape: [blocks.length, ...shape], data };
}

async function store(objects: ObjectStore, objectKey: string, { shape, data }: NpyArray): Promise<StoredFile> {
  const info = await objects.put(objectKey, encodeNpy(shape, data));
  return { objectKey, name: 'output.npy', mediaType: 'application/octet-stream', roles: ['data'], sizeBytes: info!.sizeBytes, metadata: {} };
}
