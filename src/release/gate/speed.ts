/** How fast the operator is and what memory it takes, beside the version before on the same machine in the same minutes. */
import type { OperatorManifest } from '../../operators/operator.ts';
import type { ProcessRuntime } from '../../runtimes/process-runtime.ts';
import { judged, shown, skipped, type Check, type Figure } from './check.ts';
import { embedOne, noiseBlock, type Pixels, type Subject } from './subject.ts';

/** Share of the previous throughput. */
const LEAST_THROUGHPUT = 0.8;
/** Times the previous memory, and a bit: processes differ by some MiB from run to run. */
const MOST_MEMORY = 1.5;
const MEMORY_SLACK = 64;
const ROUNDS = 3;
/** A machine that is busy with other things gets this many chances to show that the version is not slower. */
const MOST_ROUNDS = 15;
const ROUND_MS = 100;
/** About the edge of a block of the service, pixels. */
const BLOCK_EDGE = 256;
const MIB = 2 ** 20;

/**
 * Patches per second of the best of several rounds. Against the version before counts the middle one of the ratios of rounds that came right
 * after each other, in turns, so that a busy machine meets both.
 */
export async function checkThroughput(subject: Subject, previous: Subject | null, signal?: AbortSignal): Promise<Check> {
  const runner = runnerOf(subject);
  const rival = previous && runnerOf(previous);
  const ratios: number[] = [];
  let best = 0;
  for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && previous !== null && median(ratios) < LEAST_THROUGHPUT); round++) {
    const [own, old] = await rounds(runner, rival, round % 2 === 1, signal);
    best = Math.max(best, own);
    if (previous !== null) ratios.push(areaOf(subject, own) / areaOf(previous, old));
  }
  const figures: Figure[] = [
    { name: 'patches per second', value: best },
    { name: 'square kilometres per second', value: areaOf(subject, best), unit: 'km²/s' },
    ...(previous === null ? [] : [{ name: 'throughput against the version before', value: median(ratios), at_least: LEAST_THROUGHPUT }]),
  ];
  return judged('throughput', figures, `${shown(best)} patches, ${shown(areaOf(subject, best))} km² a second on one thread of this machine.`);
}

/** A subject with a block of the usual size, made once: making it takes longer than many a model. */
interface Runner {
  readonly subject: Subject;
  readonly block: Pixels;
  readonly patches: number;
}

function runnerOf(subject: Subject): Runner {
  const edge = Math.max(1, Math.round(BLOCK_EDGE / subject.operator.manifest.patch));
  return { subject, block: noiseBlock(subject, edge, edge, 17), patches: edge ** 2 };
}

/** A round of each, one first or the other; 0 for no version before. */
async function rounds(runner: Runner, rival: Runner | null, isRivalFirst: boolean, signal?: AbortSignal): Promise<readonly [number, number]> {
  const old = rival !== null && isRivalFirst ? await roundOf(rival, signal) : 0;
  const own = await roundOf(runner, signal);
  return [own, rival !== null && !isRivalFirst ? await roundOf(rival, signal) : old];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Square kilometres: versions may have patches of other sizes, and what counts is ground. */
function areaOf({ operator: { manifest } }: Subject, patches: number): number {
  return patches * (manifest.patch * manifest.input.gsd / 1000) ** 2;
}

/** Patches per second. */
async function roundOf({ subject, block, patches }: Runner, signal?: AbortSignal): Promise<number> {
  await embedOne(subject, block, signal);
  const start = performance.now();
  let runs = 0;
  do {
    await embedOne(subject, block, signal);
    runs++;
  } while (performance.now() - start < ROUND_MS);
  return (1000 * runs * patches) / (performance.now() - start);
}

/** The most memory of a process of its own that computes blocks of the usual size. `programs` is what starts such for operators of a kind. */
export async function checkMemory(subject: Subject, previous: Subject | null, programs: (kind: OperatorManifest['kind']) => ProcessRuntime | null, signal?: AbortSignal): Promise<Check> {
  const runtime = programs(subject.operator.manifest.kind);
  if (!runtime) return skipped('memory', 'No runtime that starts processes can be had on this machine, so memory was not measured.');
  const own = await peakOf(subject, runtime, signal);
  if (own === null) return skipped('memory', 'This machine does not tell the memory of processes.');
  const before = previous && programs(previous.operator.manifest.kind);
  const old = (previous && before ? await peakOf(previous, before, signal) : null) ?? undefined;
  const { memory_mib: declared } = subject.operator.manifest.resources ?? {};
  const most = declared ?? (old === undefined ? undefined : MOST_MEMORY * old + MEMORY_SLACK);
  const figure: Figure = { name: 'most memory of its process', value: own, unit: 'MiB', ...(old === undefined ? {} : { previous: old }), ...(most === undefined ? {} : { at_most: most }) };
  return judged('memory', [figure], `Its process took ${shown(own)} MiB${declared === undefined ? '; the manifest declares no memory' : ` of the ${declared} MiB that the manifest declares`}.`);
}

async function peakOf(subject: Subject, runtime: ProcessRuntime, signal: AbortSignal = new AbortController().signal): Promise<number | null> {
  const { block: { samples, rows, columns } } = runnerOf(subject);
  // Several blocks: a run that is over at once has no time to be looked at.
  const { usage } = await runtime.run(subject.operator, { inputs: Array.from({ length: 4 }, () => samples), rows, columns }, signal);
  return usage.peakMemoryBytes === null ? null : usage.peakMemoryBytes / MIB;
}
