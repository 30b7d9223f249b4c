/** Tries vectors on tasks: a linear probe and nearest neighbours, fold by fold. */
import { average, nearest, vote } from './nearest.ts';
import { fitLogistic, predictClasses } from './logistic.ts';
import { fitRidge, predictLinear } from './ridge.ts';
import { standardise, standardOf, takeRows, type Samples } from './samples.ts';
import { deviation, macroF1, mean, neucoQuality, r2 } from './scores.ts';

const NEIGHBOURS = 10;

/** How vectors did on one task with one probe. */
export interface Score {
  readonly task: string;
  readonly probe: 'linear' | 'neighbours';
  /** 'macro_f1' of classes, 'r2' of amounts: 1 is perfect. */
  readonly metric: 'macro_f1' | 'r2';
  readonly mean: number;
  readonly deviation: number;
  /** NeuCo-Bench's Q. */
  readonly q: number;
  readonly folds: readonly number[];
  readonly samples: number;
}

/** Labels of the samples. 255: not clear, left out. */
export type Labels = { readonly kind: 'classes'; readonly values: Uint8Array; readonly classes: number } | { readonly kind: 'amount'; readonly values: Float64Array };

/** Neighbours of all samples of a fold, which are the same for every task that leaves none out. */
export type NeighbourMemory = Map<number, Uint32Array[]>;

/**
 * Every fold is judged once by what was learnt from the others. Folds without samples, or with one class only, are left out. Guesses of
 * amounts that are worse than the mean count as 0, as bad as knowing nothing.
 */
export function probe(task: string, samples: Samples, labels: Labels, folds: Uint8Array, memory: NeighbourMemory = new Map()): Score[] {
  const rows = Array.from({ length: samples.count }, (_, i) => i).filter((i) => labels.kind === 'amount' || labels.values[i] !== 255);
  const linear: number[] = [];
  const neighbours: number[] = [];
  for (const fold of [...new Set(rows.map((i) => folds[i]!))].toSorted((a, b) => a - b)) {
    const learnt = rows.filter((i) => folds[i] !== fold);
    const judged = rows.filter((i) => folds[i] === fold);
    if (learnt.length === 0 || !isTelling(labels, learnt)) continue;
    const [known, asked] = [takeRows(samples, learnt), takeRows(samples, judged)];
    const standard = standardOf(known);
    const scaled = [standardise(known, standard), standardise(asked, standard)] as const;
    const isWhole = rows.length === samples.count;
    const rowsOf = (isWhole ? memory.get(fold) : undefined) ?? nearest(known, asked, NEIGHBOURS);
    if (isWhole) memory.set(fold, rowsOf);
    linear.push(scoreLinear(scaled, labels, learnt, judged));
    neighbours.push(scoreNeighbours(rowsOf, labels, learnt, judged));
  }
  const metric = labels.kind === 'classes' ? 'macro_f1' : 'r2';
  const of = (name: Score['probe'], scores: readonly number[]): Score => ({ task, probe: name, metric, mean: mean(scores), deviation: deviation(scores), q: neucoQuality(scores), folds: scores, samples: rows.length });
  return [of('linear', linear), of('neighbours', neighbours)];
}

function isTelling(labels: Labels, rows: readonly number[]): boolean {
  return new Set(rows.map((i) => labels.values[i])).size > 1;
}

function scoreLinear([known, asked]: readonly [Samples, Samples], labels: Labels, learnt: readonly number[], judged: readonly number[]): number {
  if (labels.kind === 'amount') {
    return Math.max(0, r2(Float64Array.from(judged, (i) => labels.values[i]!), predictLinear(fitRidge(known, Float64Array.from(learnt, (i) => labels.values[i]!)), asked)));
  }
  const model = fitLogistic(known, Uint8Array.from(learnt, (i) => labels.values[i]!), labels.classes);
  return macroF1(Uint8Array.from(judged, (i) => labels.values[i]!), predictClasses(model, asked), labels.classes);
}

function scoreNeighbours(rows: readonly Uint32Array[], labels: Labels, learnt: readonly number[], judged: readonly number[]): number {
  if (labels.kind === 'amount') return Math.max(0, r2(Float64Array.from(judged, (i) => labels.values[i]!), average(Float64Array.from(learnt, (i) => labels.values[i]!), rows)));
  return macroF1(Uint8Array.from(judged, (i) => labels.values[i]!), vote(Uint8Array.from(learnt, (i) => labels.values[i]!), rows, labels.classes), labels.classes);
}
