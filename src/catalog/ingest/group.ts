/** Puts the files of one acquisition together and sorts out what does not belong to the collection. */
import type { ScannedFile } from './scan.ts';
import type { Time } from './file-name.ts';
import type { Refusal } from './report.ts';

/** Files that become one item. */
export interface Acquisition {
  readonly id: string;
  readonly time: Time;
  /** The time is not known: it is when the file was last changed. */
  readonly isTimeGuessed: boolean;
  /** One asset each, finest first. */
  readonly files: readonly ScannedFile[];
}

export interface Grouped {
  readonly acquisitions: readonly Acquisition[];
  readonly refused: readonly Refusal[];
}

/** `fallback` is the time of files without one of their own. */
export function groupFiles(files: readonly ScannedFile[], fallback: Time | null): Grouped {
  const refused: Refusal[] = [];
  // Where no file at all has a date there is nothing to be inconsistent with: the files' own age must do.
  const isUndated = fallback === null && files.every((file) => file.time === null);
  const groups = Map.groupBy(files, (file) => `${file.acquisition.folder}\0${file.acquisition.id}`);
  const acquisitions: Acquisition[] = [];
  for (const group of groups.values()) {
    const time = group.find((file) => file.time !== null)?.time ?? fallback ?? (isUndated ? ageOf(group) : null);
    const kept = oneCrs(group, refused);
    if (time === null) refused.push(...group.map(({ path }) => ({ source: path, reason: 'it has no date in its name or tags, while other files have; give one with --datetime' })));
    else if (kept.length > 0) acquisitions.push({ id: kept[0]!.acquisition.id, time, isTimeGuessed: isUndated, files: finestFirst(kept) });
  }
  const alike = oneKindOfBands(acquisitions, refused);
  return { acquisitions: withUniqueIds(alike), refused };
}

/** The oldest change among the files, to the second. */
function ageOf(group: readonly ScannedFile[]): Time {
  const oldest = Math.min(...group.map((file) => file.modified.getTime()));
  return { start: new Date(Math.floor(oldest / 1000) * 1000).toISOString().replace('.000Z', 'Z') };
}

function oneCrs(group: readonly ScannedFile[], refused: Refusal[]): ScannedFile[] {
  const crs = mostFrequent(group.map((file) => file.grid.crs));
  for (const file of group) {
    if (file.grid.crs !== crs) refused.push({ source: file.path, reason: `it is in ${file.grid.crs}, the other files of the acquisition are in ${crs}` });
  }
  return group.filter((file) => file.grid.crs === crs);
}

/** Acquisitions that share no band with the kind that most are of belong to another collection. */
function oneKindOfBands(acquisitions: readonly Acquisition[], refused: Refusal[]): Acquisition[] {
  if (acquisitions.length === 0) return [];
  const kinds = Map.groupBy(acquisitions, (acquisition) => bandsOf(acquisition).join(','));
  const [main] = [...kinds.values()].sort((a, b) => weight(b) - weight(a));
  const known = new Set(bandsOf(main![0]!));
  return acquisitions.filter((acquisition) => {
    const own = bandsOf(acquisition);
    if (own.some((band) => known.has(band))) return true;
    refused.push(...acquisition.files.map(({ path }) => ({ source: path, reason: `its bands (${own.join(', ')}) are not those of the collection (${[...known].join(', ')})` })));
    return false;
  });
}

/** Many acquisitions of many bands make the collection; what nobody named comes last. */
function weight(kind: readonly Acquisition[]): number {
  const bands = bandsOf(kind[0]!);
  return kind.length * bands.filter((band) => !/^band_\d+$/.test(band)).length + (kind.length * bands.length) / 1e6;
}

const bandsOf = (acquisition: Acquisition) => [...new Set(acquisition.files.flatMap((file) => file.bands))].sort();

const finestFirst = (files: readonly ScannedFile[]) => [...files].sort((a, b) => a.grid.stepX - b.grid.stepX || (a.path < b.path ? -1 : 1));

/** The same name in two folders (tiles of two days, two modalities) gets the folder's name in front. */
function withUniqueIds(acquisitions: readonly Acquisition[]): Acquisition[] {
  const byId = Map.groupBy(acquisitions, (acquisition) => acquisition.id);
  return acquisitions.map((acquisition) => {
    if (byId.get(acquisition.id)!.length === 1) return acquisition;
    const folder = acquisition.files[0]!.acquisition.folder.split(/[\\/]/).slice(-2).join('_').replace(/[^\w.-]+/g, '_');
    return { ...acquisition, id: `${folder}_${acquisition.id}` };
  });
}

function mostFrequent<T>(values: readonly T[]): T {
  const groups = [...Map.groupBy(values, (value) => value)];
  return groups.sort((a, b) => b[1].length - a[1].length)[0]![0];
}
