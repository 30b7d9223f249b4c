/**
 * Whether a place has one vector: the same in two runs, alone or beside other blocks, in another process, and wherever
 * the edges of blocks run. An operator that normalises by the block, or whose halo is too small, fails here.
 */
import { largestDifference } from '../../operators/package/golden.ts';
import { judged, type Check, type Figure } from './check.ts';
import { cut, embedOne, hills, noiseBlock, rms, type Pixels, type Subject } from './subject.ts';

/** Rounding may differ between shapes of blocks; relative to the size of the vectors. */
const SEAM_TOLERANCE = 1e-4;
const EDGE = 6;
const TOGETHER = 6;

export interface OtherWays {
  /** The same operator in a process of its own, where that can be had. */
  readonly elsewhere: Subject | null;
  /** Vectors of blocks of one shape in one run of a model; null when it takes but one block. */
  readonly together: ((blocks: readonly Pixels[]) => Promise<readonly Float32Array[] | null>) | null;
}

export async function checkDeterminism(subject: Subject, { elsewhere, together }: OtherWays): Promise<Check> {
  // Normalising by the block would show.
  const whole = hills(subject, EDGE);
  const once = await embedOne(subject, whole);
  const again = await embedOne(subject, whole);
  const scale = Math.max(rms(once), 1e-12);
  const blocks = Array.from({ length: TOGETHER }, (_, i) => noiseBlock(subject, 2, 2, 30 + i));
  const alone = await oneByOne(subject, blocks);
  const figures: Figure[] = [
    { name: 'difference between two runs', value: largestDifference(once, again), at_most: 0 },
    { name: 'difference between alone and among others', value: worst(await subject.embed(blocks), alone), at_most: 0 },
  ];
  for (const edge of [1, 2, 3]) figures.push({ name: `difference in blocks of ${edge} × ${edge} patches, relative`, value: await seam(subject, whole, once, edge) / scale, at_most: SEAM_TOLERANCE });
  const joint = await together?.(blocks);
  if (joint) figures.push({ name: `difference of ${TOGETHER} blocks in one run, relative`, value: worst(joint, alone) / scale, at_most: SEAM_TOLERANCE });
  if (elsewhere) figures.push({ name: 'difference in another process', value: largestDifference(await embedOne(elsewhere, whole), once), at_most: 0 });
  return judged('determinism', figures, `A place has the same vector in every run, in any company and in blocks of any size.${joint === null ? ' The model takes one block at a time.' : ''}`);
}

async function oneByOne(subject: Subject, blocks: readonly Pixels[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (const block of blocks) vectors.push(await embedOne(subject, block));
  return vectors;
}

const worst = (a: readonly Float32Array[], b: readonly Float32Array[]) => Math.max(...a.map((vectors, i) => largestDifference(vectors, b[i]!)));

/** The scene in blocks of `edge` patches a side against the scene in one piece. */
async function seam(subject: Subject, whole: Pixels, once: Float32Array, edge: number): Promise<number> {
  const { dimensions } = subject.operator.manifest.output;
  const corners = Array.from({ length: (EDGE / edge) ** 2 }, (_, i) => [Math.floor(i / (EDGE / edge)) * edge, (i % (EDGE / edge)) * edge] as const);
  const vectors = await subject.embed(corners.map(([row, column]) => cut(subject, whole, row, column, edge, edge)));
  const expected = corners.map(([row, column]) => Float32Array.from({ length: dimensions * edge ** 2 }, (_, i) => {
    const [d, y, x] = [Math.floor(i / edge ** 2), Math.floor(i / edge) % edge, i % edge];
    return once[(d * EDGE + row + y) * EDGE + column + x]!;
  }));
  return worst(vectors, expected);
}
