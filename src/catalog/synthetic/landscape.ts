/** A made-up country: what grows where, how it looks in the twelve bands, and how that changes over the year. */
import { hash, rugged, smooth } from './noise.ts';

export const BANDS = ['B01', 'B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B09', 'B11', 'B12'] as const;

export type Cover = 'water' | 'forest' | 'built' | 'wheat' | 'maize' | 'grass';
export const covers: readonly Cover[] = ['water', 'forest', 'built', 'wheat', 'maize', 'grass'];

/** Reflectance × 10000 in the order of BANDS: round numbers in the range of what real surfaces show. */
export const spectra = {
  water: [500, 450, 400, 250, 200, 150, 150, 120, 110, 100, 60, 40],
  needles: [180, 220, 400, 250, 600, 1600, 1900, 2100, 2300, 2200, 1000, 450],
  leaves: [200, 300, 620, 340, 900, 2450, 3050, 3350, 3550, 3400, 1700, 800],
  soil: [700, 900, 1200, 1600, 1900, 2100, 2300, 2500, 2700, 2700, 3200, 2700],
  roofs: [1100, 1300, 1500, 1700, 1800, 1900, 2000, 2100, 2200, 2200, 2400, 2200],
  cloud: [6600, 6700, 6600, 6700, 6800, 6900, 7000, 7000, 7000, 6800, 4600, 3700],
} as const satisfies Record<string, readonly number[]>;

/** Share of the ground that leaves cover, by day of year: piecewise linear between these points. */
const seasons: Readonly<Record<Cover, readonly (readonly [day: number, share: number])[]>> = {
  water: [[1, 0]],
  built: [[1, 0.12], [150, 0.25], [300, 0.15]],
  forest: [[1, 0.35], [110, 0.45], [150, 0.95], [265, 0.9], [310, 0.4]],
  wheat: [[1, 0.25], [90, 0.55], [145, 0.95], [190, 0.35], [205, 0.08], [280, 0.12], [330, 0.25]],
  maize: [[1, 0.05], [130, 0.06], [165, 0.4], [205, 0.95], [255, 0.75], [285, 0.1]],
  grass: [[1, 0.5], [100, 0.7], [150, 0.9], [215, 0.6], [270, 0.75], [330, 0.55]],
};

/** Ground cover by leaves, 0 to 1. */
export function leafShare(cover: Cover, dayOfYear: number): number {
  const points = seasons[cover];
  const next = points.findIndex(([day]) => day > dayOfYear);
  if (next <= 0) return points.at(next === 0 ? 0 : -1)![1];
  const [[fromDay, from], [toDay, to]] = [points[next - 1]!, points[next]!];
  return from + ((to - from) * (dayOfYear - fromDay)) / (toDay - fromDay);
}

const SEED = 20230405;
/** Metres: fields lie on a lattice whose lines wander a little. */
const FIELD = 170;

export interface Place {
  readonly cover: Cover;
  /** Differs from field to field: early and late, lush and poor. 0 to 1. */
  readonly vigour: number;
}

/** What is at a point, in metres of one projected system for the whole country. */
export function placeAt(x: number, y: number): Place {
  const river = y - 5_611_000 - 420 * Math.sin(x / 1300) - 160 * Math.sin(x / 410);
  if (Math.abs(river) < 45 + 30 * smooth(x / 900, y / 900, SEED)) return { cover: 'water', vigour: 0 };
  if (rugged(x / 900, y / 900, SEED + 10) > 0.69) return { cover: 'water', vigour: 0.5 };
  if (rugged(x / 1400, y / 1400, SEED + 20) > 0.58) return { cover: 'forest', vigour: smooth(x / 60, y / 60, SEED + 30) };
  if (rugged(x / 1100, y / 1100, SEED + 40) > 0.66) return { cover: 'built', vigour: hash(Math.floor(x / 30), Math.floor(y / 30), SEED + 50) };
  return fieldAt(x, y);
}

function fieldAt(x: number, y: number): Place {
  // A turned lattice looks less like a chessboard of pixels.
  const u = 0.93 * x + 0.37 * y + 60 * smooth(x / 700, y / 700, SEED + 60);
  const v = -0.37 * x + 0.93 * y + 60 * smooth(x / 700, y / 700, SEED + 70);
  const [column, row] = [Math.floor(u / (FIELD * 1.6)), Math.floor(v / FIELD)];
  const kind = hash(column, row, SEED + 80);
  return { cover: kind < 0.4 ? 'wheat' : kind < 0.7 ? 'maize' : 'grass', vigour: hash(column, row, SEED + 90) };
}
