/** Geometries as Well-Known Text. */
import { isEmptyGeometry } from './geojson.ts';
import type { Geometry } from './geometry.ts';

/** 'POLYGON ((5 50, 6 50, …))'; an empty geometry is '<TYPE> EMPTY'. Coordinates keep all their digits. */
export function toWkt(geometry: Geometry): string {
  const name = geometry.type.toUpperCase();
  if (isEmptyGeometry(geometry)) return `${name} EMPTY`;
  if (geometry.geometries) return `${name} (${geometry.geometries.map(toWkt).join(', ')})`;
  const text = partText(geometry.coordinates);
  return `${name} ${text.startsWith('(') ? text : `(${text})`}`;
}

function partText(part: unknown): string {
  const list = part as unknown[];
  return typeof list[0] === 'number' ? list.join(' ') : `(${list.map(partText).join(', ')})`;
}
