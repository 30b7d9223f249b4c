/** What the vectors are good for: probes on task sets, against the version before and against trivial baselines. */
import type { TaskSet } from '../tasks/task-set.ts';
import { baselines } from '../tasks/baselines.ts';
import { describe, type Described, type Describer } from '../tasks/patches.ts';
import { probe, type NeighbourMemory, type Score } from '../probes/probe.ts';
import { deviation, mean } from '../probes/scores.ts';
import type { Samples } from '../probes/samples.ts';
import { judged, shown, skipped, type Check, type Figure } from './check.ts';
import { embedOne, type Subject } from './subject.ts';

/** Scores of equal vectors differ by chance; less than this is never a regression. */
const LEAST_LOSS = 0.01;
/** And this many deviations of the differences between folds. */
const DEVIATIONS = 2;
/** By so much the mean of all scores must be above that of the best baseline: random sums of pixels need no operator. */
const BASELINE_GAIN = 0.02;

/** How all ways of description did on one set. */
export interface SetReport {
  readonly set: string;
  readonly digest: string;
  readonly license: string;
  readonly description: string;
  readonly scores: Readonly<Record<string, readonly Score[]>>;
}

export interface Quality {
  readonly check: Check;
  readonly sets: readonly SetReport[];
  /** The operator's vectors of the first set, planar: ground that is no noise, for rate and codecs. */
  readonly vectors: Float32Array<ArrayBuffer> | null;
  readonly previousVectors: Float32Array<ArrayBuffer> | null;
  /** Mean cosine of a patch's vectors in both versions; null where they have not the same patches and dimensions. */
  readonly likeness: number | null;
}

const NEW = 'operator';
const OLD = 'previous';

/** Tries the subject, the version before (where there is one) and the baselines on every set. */
export async function measureQuality(subject: Subject, previous: Subject | null, sets: readonly TaskSet[], signal?: AbortSignal): Promise<Quality> {
  const reports: SetReport[] = [];
  const notes: string[] = [];
  const figures: Figure[] = [];
  let own: Described | null = null;
  let old: Described | null = null;
  for (const set of sets) {
    const described = await describedBy(set, subject, [NEW, ...baselineNames(subject)], signal);
    if (typeof described === 'string') {
      notes.push(`${set.name}: ${described}`);
      continue;
    }
    const before = previous === null ? null : await describedBy(set, previous, [OLD], signal);
    own ??= described;
    if (before !== null && typeof before !== 'string') old ??= before;
    const scores = { ...scoresOf(set, described), ...(before === null || typeof before === 'string' ? {} : scoresOf(set, before)) };
    reports.push({ set: set.name, digest: set.digest, license: set.license, description: set.description, scores });
    figures.push(...figuresOf(set.name, scores));
  }
  const check = reports.length === 0 ? skipped('quality', notes.join('; ')) : judged('quality', [overall(reports), ...figures], summary(reports, notes));
  return { check, sets: reports, vectors: planarOf(own, NEW), previousVectors: planarOf(old, OLD), likeness: likenessOf(own?.vectors.get(NEW), old?.vectors.get(OLD)) };
}

function baselineNames({ operator: { manifest } }: Subject): string[] {
  return baselines(geometryOf(manifest), manifest.output.dimensions).map(({ name }) => name);
}

function geometryOf({ input, patch, halo }: Subject['operator']['manifest']): { bands: typeof input.bands; patch: number; halo: number; fill: number } {
  return { bands: input.bands, patch, halo, fill: input.fill };
}

/** The vectors of the named describers, or why the set has no scenes for this operator. */
async function describedBy(set: TaskSet, subject: Subject, names: readonly string[], signal?: AbortSignal): Promise<Described | string> {
  const { manifest } = subject.operator;
  const geometry = geometryOf(manifest);
  const scenes = set.scenes(geometry);
  if ('unsuitable' in scenes) return scenes.unsuitable;
  const itself = (name: string): Describer => ({ name, embed: ({ samples, rows, columns }) => embedOne(subject, { samples, rows: rows + 2 * manifest.halo, columns: columns + 2 * manifest.halo }, signal) });
  const known = [itself(NEW), itself(OLD), ...baselines(geometry, manifest.output.dimensions)];
  return describe(set, scenes, geometry, known.filter(({ name }) => names.includes(name)), signal);
}

function scoresOf(set: TaskSet, { ground, vectors }: Described): Record<string, Score[]> {
  return Object.fromEntries([...vectors].map(([name, samples]) => {
    const memory: NeighbourMemory = new Map();
    return [name, set.tasks.flatMap((task) => {
      const values = ground.labels[task.name]!;
      return probe(task.name, samples, values instanceof Uint8Array ? { kind: 'classes', values, classes: task.classes!.length } : { kind: 'amount', values }, ground.folds, memory);
    })];
  }));
}

/**
 * One figure per task and probe, and their mean, with limits where there is a version before: its scores on the same folds less what chance
 * explains.
 */
function figuresOf(set: string, scores: Readonly<Record<string, readonly Score[]>>): Figure[] {
  const own = scores[NEW]!;
  const old = scores[OLD];
  const single = own.map((score, i): Figure => ({ name: `${set}, ${score.task}, ${score.probe} (${score.metric})`, value: score.mean, ...limitFrom(score.folds, old?.[i]?.folds), ...best([scores], (all) => all[i]!.mean) }));
  return [{ name: `${set}, mean of all`, value: meanOf(own), ...limitFrom(foldMeans(own), old && foldMeans(old)), ...best([scores], meanOf) }, ...single];
}

/**
 * The mean of all sets, against the baseline that is best over all of them: on one task alone, simple statistics are hard to beat, and an
 * operator that keeps the pixels is worth something else. One that was let in below the baselines may stay there.
 */
function overall(reports: readonly SetReport[]): Figure {
  const all = reports.map(({ scores }) => scores);
  const of = (name: string) => mean(all.map((scores) => meanOf(scores[name]!)));
  const previous = all.every((scores) => scores[OLD]) ? { previous: of(OLD) } : {};
  const trivial = best(all, meanOf);
  const floor = trivial.baseline === undefined ? undefined : Math.min(trivial.baseline + BASELINE_GAIN, previous.previous ?? Infinity);
  return { name: 'mean of all sets', value: of(NEW), ...previous, ...trivial, ...(floor === undefined ? {} : { at_least: floor - (previous.previous === undefined ? 0 : LEAST_LOSS) }) };
}

const meanOf = (scores: readonly Score[]) => mean(scores.map((score) => score.mean));

/** Scores of every fold, averaged over tasks and probes; folds that are not in all of them are left out. */
function foldMeans(scores: readonly Score[]): number[] {
  const count = Math.min(...scores.map(({ folds }) => folds.length));
  return Array.from({ length: count }, (_, fold) => mean(scores.map(({ folds }) => folds[fold]!)));
}

function limitFrom(own: readonly number[], old: readonly number[] | undefined): { at_least?: number; previous?: number } {
  if (old === undefined || old.length === 0) return {};
  const differences = own.length === old.length ? own.map((score, i) => score - old[i]!) : [];
  return { previous: mean(old), at_least: mean(old) - Math.max(LEAST_LOSS, DEVIATIONS * deviation(differences)) };
}

/** The highest that one of the baselines reaches, on average over the sets. */
function best(sets: readonly Readonly<Record<string, readonly Score[]>>[], of: (scores: readonly Score[]) => number): { baseline?: number } {
  const names = Object.keys(sets[0]!).filter((name) => name !== NEW && name !== OLD && sets.every((scores) => scores[name]));
  return names.length === 0 ? {} : { baseline: Math.max(...names.map((name) => mean(sets.map((scores) => of(scores[name]!))))) };
}

function summary(reports: readonly SetReport[], notes: readonly string[]): string {
  return [...reports.map(({ set, scores }) => `${set}: ${Object.entries(scores).map(([name, all]) => `${name} ${shown(meanOf(all))}`).join(', ')}`), ...notes].join('. ');
}

function planarOf(described: Described | null, name: string): Float32Array<ArrayBuffer> | null {
  const samples = described?.vectors.get(name);
  return samples ? transposed(samples) : null;
}

function transposed({ count, width, values }: Samples): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: values.length }, (_, i) => values[(i % count) * width + Math.floor(i / count)]!);
}

function likenessOf(own: Samples | undefined, old: Samples | undefined): number | null {
  if (!own || !old || own.count !== old.count || own.width !== old.width) return null;
  let sum = 0;
  for (let at = 0; at < own.values.length; at += own.width) {
    let [product, a, b] = [0, 0, 0];
    for (let i = at; i < at + own.width; i++) {
      product += own.values[i]! * old.values[i]!;
      a += own.values[i]! ** 2;
      b += old.values[i]! ** 2;
    }
    sum += a === 0 && b === 0 ? 1 : product / Math.sqrt(Math.max(1e-300, a * b));
  }
  return sum / own.count;
}
