/** Renders a scene of the made-up country as a satellite would see it: reflectances, clouds, shadows, the edge of the swath. */
import { transformer } from '../../geo/crs.ts';
import { cellCentre, type Grid } from '../../geo/grid.ts';
import { BANDS, covers, leafShare, placeAt, spectra } from './landscape.ts';
import { hash, rugged, smooth } from './noise.ts';

/** Coordinates of the country: every scene, whatever its zone, shows the same ground. */
const COUNTRY_CRS = 'EPSG:32631';

/** Scene classification codes of Sentinel-2 that occur here. */
const SCL = { nodata: 0, shadow: 3, vegetation: 4, soil: 5, water: 6, cloud: 9, thinCloud: 8 } as const;

export interface Overpass {
  /** RFC 3339, UTC. */
  readonly datetime: string;
  /** Share of the sky that clouds cover, about. */
  readonly clouds: number;
  /** The edge of the swath runs through the scene. */
  readonly isCut: boolean;
}

/** What does not change from one date to the next, per cell. */
export interface Ground {
  readonly grid: Grid;
  /** Country coordinates of the cell centres. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Index into `covers`. */
  readonly cover: Uint8Array;
  readonly vigour: Float32Array;
}

export function surveyGround(grid: Grid): Ground {
  const cells = grid.width * grid.height;
  const ground = { grid, x: new Float64Array(cells), y: new Float64Array(cells), cover: new Uint8Array(cells), vigour: new Float32Array(cells) };
  const forward = transformer(grid.crs, COUNTRY_CRS);
  for (let row = 0, i = 0; row < grid.height; row++) {
    for (let column = 0; column < grid.width; column++, i++) {
      const [x, y] = forward(...cellCentre(grid, column, row));
      const place = placeAt(x, y);
      ground.x[i] = x;
      ground.y[i] = y;
      ground.cover[i] = covers.indexOf(place.cover);
      ground.vigour[i] = place.vigour;
    }
  }
  return ground;
}

export interface Picture {
  /** [bands, height, width], reflectance × 10000, 0 = no data. */
  readonly reflectance: Uint16Array;
  /** [height, width]. */
  readonly classification: Uint8Array;
}

/** The same ground and overpass always give the same picture. */
export function takePicture(ground: Ground, overpass: Overpass): Picture {
  const cells = ground.cover.length;
  const picture = { reflectance: new Uint16Array(BANDS.length * cells), classification: new Uint8Array(cells) };
  const day = dayOfYear(overpass.datetime);
  const shares = covers.map((cover) => leafShare(cover, day));
  const mixed = new Float64Array(BANDS.length);
  const sky = cloudField(ground, day, overpass.clouds);
  for (let i = 0; i < cells; i++) {
    if (overpass.isCut && isBeyondSwath(ground.grid, i)) continue;
    const cover = covers[ground.cover[i]!]!;
    const leaves = Math.min(1, shares[ground.cover[i]!]! * (0.75 + 0.4 * ground.vigour[i]!));
    mixSurface(mixed, cover, leaves);
    const cloud = sky(ground.x[i]!, ground.y[i]!);
    // The sun stands in the south-east: a cloud's shadow falls to the north-west of it.
    const shadow = cloud > 0.15 ? 0 : sky(ground.x[i]! + 260, ground.y[i]! - 340);
    const grain = 0.94 + 0.12 * hash(Math.round(ground.x[i]! / 10), Math.round(ground.y[i]! / 10), day);
    for (let b = 0; b < BANDS.length; b++) {
      const lit = mixed[b]! * grain * (1 - 0.6 * Math.min(1, shadow));
      const seen = lit * (1 - cloud) + spectra.cloud[b]! * cloud;
      picture.reflectance[b * cells + i] = Math.max(1, Math.round(seen));
    }
    picture.classification[i] = classify(cover, leaves, cloud, shadow);
  }
  return picture;
}

function mixSurface(out: Float64Array, cover: (typeof covers)[number], leaves: number): void {
  const ground = cover === 'water' ? spectra.water : cover === 'built' ? spectra.roofs : spectra.soil;
  const canopy = cover === 'forest' ? spectra.needles : spectra.leaves;
  for (let b = 0; b < out.length; b++) out[b] = ground[b]! * (1 - leaves) + canopy[b]! * leaves;
}

function classify(cover: (typeof covers)[number], leaves: number, cloud: number, shadow: number): number {
  if (cloud > 0.6) return SCL.cloud;
  if (cloud > 0.15) return SCL.thinCloud;
  if (shadow > 0.3) return SCL.shadow;
  if (cover === 'water') return SCL.water;
  return leaves > 0.4 ? SCL.vegetation : SCL.soil;
}

/** Metres between the points at which the sky is computed; between them it is blended. */
const SKY_STEP = 40;

/** Opacity of the sky over the scene and half a kilometre around it, 0 to 1, as a function of country coordinates. */
function cloudField({ x, y }: Ground, day: number, share: number): (x: number, y: number) => number {
  if (share === 0) return () => 0;
  const margin = 500;
  const [west, south] = [x.reduce((a, b) => Math.min(a, b)) - margin, y.reduce((a, b) => Math.min(a, b)) - margin];
  const [columns, rows] = [x, y].map((axis, i) => Math.ceil((axis.reduce((a, b) => Math.max(a, b)) + margin - [west, south][i]!) / SKY_STEP) + 2) as [number, number];
  // Points lie on a lattice of the country, so that neighbouring scenes see the same clouds.
  const [firstColumn, firstRow] = [Math.floor(west / SKY_STEP), Math.floor(south / SKY_STEP)];
  const opacity = Float32Array.from({ length: columns * rows }, (_, i) => cloudAt((firstColumn + (i % columns)) * SKY_STEP, (firstRow + Math.floor(i / columns)) * SKY_STEP, day, share));
  return (px, py) => {
    const [column, row] = [px / SKY_STEP - firstColumn, py / SKY_STEP - firstRow];
    const [c, r] = [Math.floor(column), Math.floor(row)];
    const [u, v] = [column - c, row - r];
    const i = r * columns + c;
    return (opacity[i]! * (1 - u) + opacity[i + 1]! * u) * (1 - v) + (opacity[i + columns]! * (1 - u) + opacity[i + columns + 1]! * u) * v;
  };
}

function cloudAt(x: number, y: number, day: number, share: number): number {
  const density = 0.8 * rugged(x / 1100 + day, y / 1100, day) + 0.2 * smooth(x / 120, y / 120, day + 7);
  // The noise is bell-shaped around one half: this threshold leaves about the wanted share above it.
  const threshold = 0.5 + 0.22 * (1 - 2 * share);
  return Math.min(1, Math.max(0, (density - threshold) * 9));
}

/** North-east of a slanting line, like the edge of an orbit's swath. */
function isBeyondSwath({ width, height }: Grid, cell: number): boolean {
  const [column, row] = [cell % width, Math.floor(cell / width)];
  return column - 0.25 * row > 0.82 * width - 0.05 * height;
}

function dayOfYear(datetime: string): number {
  const date = new Date(datetime);
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}
