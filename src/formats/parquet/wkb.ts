/** Geometries as Well-Known Binary, little-endian and in two dimensions. */
import type { Geometry } from '../../geo/geometry.ts';

const codes: Readonly<Record<string, number>> = { Point: 1, LineString: 2, Polygon: 3, MultiPoint: 4, MultiLineString: 5, MultiPolygon: 6, GeometryCollection: 7 };
/** The geometries that a Multi… consists of. */
const members: Readonly<Record<string, string>> = { MultiPoint: 'Point', MultiLineString: 'LineString', MultiPolygon: 'Polygon' };

/** The bytes of a geometry that is not empty. */
export function toWkb(geometry: Geometry): Uint8Array {
  const writer = new ByteList();
  writeGeometry(geometry, writer);
  return writer.bytes();
}

function writeGeometry({ type, coordinates, geometries }: Geometry, out: ByteList): void {
  out.header(codes[type]!);
  const parts = coordinates as unknown[];
  if (type === 'Point') out.position(parts as number[]);
  else if (type === 'LineString') out.positions(parts as number[][]);
  else if (type === 'Polygon') out.list(parts as number[][][], (ring) => out.positions(ring));
  else if (type === 'GeometryCollection') out.list(geometries ?? [], (member) => writeGeometry(member, out));
  else out.list(parts, (part) => writeGeometry({ type: members[type]!, coordinates: part }, out));
}

class ByteList {
  #view = new DataView(new ArrayBuffer(1024));
  #length = 0;

  header(code: number): void {
    this.#room(5);
    this.#view.setUint8(this.#length, 1);
    this.#view.setUint32(this.#length + 1, code, true);
    this.#length += 5;
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.#room(4);
    this.#view.setUint32(this.#length, items.length, true);
    this.#length += 4;
    for (const item of items) write(item);
  }

  positions(positions: readonly (readonly number[])[]): void {
    this.list(positions, (position) => this.position(position));
  }

  position([x, y]: readonly number[]): void {
    this.#room(16);
    this.#view.setFloat64(this.#length, x!, true);
    this.#view.setFloat64(this.#length + 8, y!, true);
    this.#length += 16;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#length).slice();
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#view.byteLength) return;
    const larger = new Uint8Array(this.#view.byteLength * 2);
    larger.set(new Uint8Array(this.#view.buffer, 0, this.#length));
    this.#view = new DataView(larger.buffer);
  }
}
