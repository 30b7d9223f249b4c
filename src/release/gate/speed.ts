/** How fast the operator is and what memory it takes, beside the version before on the same machine in the same minutes. */
import type { Operator } from '../../operators/operator.ts';
import type { ProcessRuntime } from '../../runtimes/process-runtime.ts';
import { judged, shown, skipped, type Check, type Figure } from './check.ts';
import { embedOne, noiseBlock, type Pixels, type Subject } from './subject.ts';

/** Share of the previous throughput. */
const LEAST_THROUGHPUT = 0.8;
/** Times the previous memory, and a bit: processes differ by some MiB from run to run. */
const MOST_MEMORY = 1.5;
const MEMORY_SLACK = 64;
const ROUNDS = 5;
const ROUND_MS = 150;
/** About the edge of a block of the service, pixels. */
const BLOCK_EDGE = 256;
const MIB = 2 ** 20;

/** Patches per second of the best of several rounds; rounds of both versions alternate, so that a busy minute meets both. */
export async function checkThroughput(subject: Subject, previous: Subject | null, signal?: AbortSignal): Promise<Check> {
  const subjects = previous ? [subject, previous] : [subject];
  const best = subjects.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, each] of subjects.entries()) best[i] = Math.max(best[i]!, await roundOf(each, signal));
  }
  const { patch, input: { gsd } } = subject.operator.manifest;
  const [own, old] = best as [number, number | undefined];
  const area = own * (patch * gsd / 1000) ** 2;
  const figures: Figure[] = [
    { name: 'patches per second', value: own, ...(old === undefined ? {} : { previous: old }) },
    { name: 'square kilometres per second', value: area, unit: 'km²/s', ...againstPrevious(previous, old) },
  ];
  return judged('throughput', figures, `${shown(own)} patches, ${shown(area)} km² a second on one thread of this machine.`);
}

/** Versions may have patches of other sizes: what counts is ground. */
function againstPrevious(previous: Subject | null, old: number | undefined): Pick<Figure, 'previous' | 'at_least'> {
  if (!previous || old === undefined) return {};
  const area = ({ operator: { manifest } }: Subject, patches: number) => patches * (manifest.patch * manifest.input.gsd / 1000) ** 2;
  return { previous: area(previous, old), at_least: LEAST_THROUGHPUT * area(previous, old) };
}

async function roundOf(subject: Subject, signal?: AbortSignal): Promise<number> {
  const { block, patches } = usualBlock(subject.operator, subject);
  await embedOne(subject, block, signal);
  const start = performance.now();
  let runs = 0;
  do {
    await embedOne(subject, block, signal);
    runs++;
  } while (performance.now() - start < ROUND_MS);
  return (1000 * runs * patches) / (performance.now() - start);
}

function usualBlock({ manifest }: Operator, subject: Subject): { block: Pixels; patches: number } {
  const edge = Math.max(1, Math.round(BLOCK_EDGE / manifest.patch));
  return { block: noiseBlock(subject, edge, edge, 17), patches: edge ** 2 };
}

/** The most memory of a process of its own that computes one block of the usual size. `programs` runs such; null: none can be had. */
export async function checkMemory(subject: Subject, previous: Subject | null, programs: ProcessRuntime | null, signal?: AbortSignal): Promise<Check> {
  if (!programs) return skipped('memory', 'No runtime that starts processes can be had on this machine, so memory was not measured.');
  const own = await peakOf(subject, programs, signal);
  if (own === null) return skipped('memory', 'This machine does not tell the memory of processes.');
  const old = (previous ? await peakOf(previous, programs, signal) : null) ?? undefined;
  const { memory_mib: declared } = subject.operator.manifest.resources ?? {};
  const most = declared ?? (old === undefined ? undefined : MOST_MEMORY * old + MEMORY_SLACK);
  const figure: Figure = { name: 'most memory of its process', value: own, unit: 'MiB', ...(old === undefined ? {} : { previous: old }), ...(most === undefined ? {} : { at_most: most }) };
  return judged('memory', [figure], `Its process took ${shown(own)} MiB${declared === undefined ? '; the manifest declares no memory' : ` of the ${declared} MiB that the manifest declares`}.`);
}

async function peakOf(subject: Subject, programs: ProcessRuntime, signal: AbortSignal = new AbortController().signal): Promise<number | null> {
  const { block: { samples, rows, columns } } = usualBlock(subject.operator, subject);
  // Several blocks: a run that is over at once has no time to be looked at.
  const { usage } = await programs.run(subject.operator, { inputs: Array.from({ length: 4 }, () => samples), rows, columns }, signal);
  return usage.peakMemoryBytes === null ? null : usage.peakMemoryBytes / MIB;
}
