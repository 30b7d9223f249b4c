/**
 * STAC items as rows of a stac-geoparquet table and back: properties are columns beside `id`, `geometry` and `assets`.
 * https://github.com/radiantearth/stac-geoparquet-spec
 */
import { withoutHeights } from '../../geo/bbox.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Members of an item that are columns of their own. All other columns are properties. */
const MEMBERS = ['type', 'stac_version', 'stac_extensions', 'id', 'collection', 'geometry', 'bbox', 'links', 'assets'] as const;
const isMember = (name: string) => (MEMBERS as readonly string[]).includes(name);
/** Holds properties whose name is that of a member, or of this column: a table can't have a column twice. */
const ASIDE = 'properties';

/** Properties that are instants by the standard, and columns of instants in tables. */
export const INSTANTS = ['datetime', 'start_datetime', 'end_datetime', 'created', 'updated', 'expires', 'published', 'unpublished'] as const;

export interface BoxCell {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

/** The row of an item. `geometry` stays GeoJSON; the box of readers that filter by it has two dimensions. */
export function rowOf(item: Fields): Fields {
  const { properties = {}, bbox, ...members } = item as { properties?: Fields; bbox?: readonly number[] };
  const isAside = (name: string) => isMember(name) || name === ASIDE;
  const entries = Object.entries(properties);
  const aside = entries.filter(([name]) => isAside(name));
  return {
    ...Object.fromEntries(entries.filter(([name]) => !isAside(name))),
    ...members,
    ...(Array.isArray(bbox) ? { bbox: boxCell(bbox as number[]) } : {}),
    ...(aside.length > 0 ? { [ASIDE]: Object.fromEntries(aside) } : {}),
  };
}

/** The item of a row, of this table or another one's: `datetime` is there, null where the column has nothing. */
export function itemOfRow(row: Fields): Record<string, unknown> {
  const { [ASIDE]: aside, bbox, ...columns } = row;
  const entries = Object.entries(columns);
  const properties = Object.fromEntries(entries.filter(([name]) => !isMember(name)));
  return {
    type: 'Feature',
    ...Object.fromEntries(entries.filter(([name]) => isMember(name))),
    geometry: columns['geometry'] ?? null,
    bbox: boxOf(bbox),
    properties: { datetime: null, ...properties, ...(typeof aside === 'object' ? aside : {}) },
    links: columns['links'] ?? [],
    assets: columns['assets'] ?? {},
  };
}

function boxCell(box: readonly number[]): BoxCell {
  const [xmin, ymin, xmax, ymax] = withoutHeights(box);
  return { xmin, ymin, xmax, ymax };
}

/** A record of four numbers or six, or a list of them: tables of early versions have that. */
function boxOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { xmin, ymin, zmin, xmax, ymax, zmax } = value as Readonly<Record<string, unknown>>;
  return zmin === undefined ? [xmin, ymin, xmax, ymax] : [xmin, ymin, zmin, xmax, ymax, zmax];
}
