import fc from 'fast-check';
import GeometryFactory from 'jsts/org/locationtech/jts/geom/GeometryFactory.js';
import type JstsGeometry from 'jsts/org/locationtech/jts/geom/Geometry.js';
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js';
import RelateOp from 'jsts/org/locationtech/jts/operation/relate/RelateOp.js';
import IsValidOp from 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../../src/geo/coverage.ts';
import { transformer } from '../../src/geo/crs.ts';
import { EMPTY_GEOMETRY } from '../../src/geo/geojson.ts';
import { shifted, type Geometry } from '../../src/geo/geometry.ts';
import { cellCentre, type Grid } from '../../src/geo/grid.ts';
import { reproject } from '../../src/geo/reproject.ts';

const reader = new GeoJSONReader(new GeometryFactory());
const read = (geometry: Geometry) => reader.read(geometry) as JstsGeometry;
const grid = (changes: Partial<Grid> = {}): Grid => ({ crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10, stepY: 10, width: 20, height: 16, ...changes });
const whole = ({ width, height }: Grid) => ({ x: 0, y: 0, width, height });
const box = (west: number, south: number, east: number, north: number): number[][] => [[west, south], [east, south], [east, north], [west, north], [west, south]];
const polygon = (...rings: number[][][]): Geometry => ({ type: 'Polygon', coordinates: rings });

/** Rows of a mask as texts. */
function drawn(cells: Grid, shapes: readonly Geometry[], crs = cells.crs): string[] {
  const mask = new Coverage(cells, shapes, crs).mask(whole(cells)) ?? new Uint8Array(cells.width * cells.height);
  return Array.from({ length: cells.height }, (_, row) => [...mask.subarray(row * cells.width, (row + 1) * cells.width)].map((v) => '.#'[v]).join(''));
}

/** What JSTS says of every cell: its centre, seen in the system of the shape, meets it. */
function byRelation(cells: Grid, shape: Geometry, crs = cells.crs): string[] {
  const back = transformer(cells.crs, crs);
  const target = read(shape);
  const hits = (column: number, row: number) => RelateOp.intersects(target, read({ type: 'Point', coordinates: back(...cellCentre(cells, column, row)) }));
  return Array.from({ length: cells.height }, (_, row) => Array.from({ length: cells.width }, (__, column) => '.#'[Number(hits(column, row))]).join(''));
}

describe('polygons', () => {
  it('hold the cells whose centre lies in them or on their border', () => {
    const cells = grid({ width: 6, height: 4 });
    // Borders run through centres on the left, and between centres on the right.
    expect(drawn(cells, [polygon(box(600_015, 5_599_975, 600_044, 5_599_985))])).toEqual(['......', '.###..', '.###..', '......']);
    expect(drawn(cells, [polygon([[600_015, 5_599_995], [600_035, 5_599_975], [600_015, 5_599_975], [600_015, 5_599_995]])])).toEqual(['.#....', '.##...', '.###..', '......']);
    // A corner that touches a centre from above, and one from below.
    expect(drawn(cells, [polygon([[600_025, 5_599_985], [600_022, 5_599_989], [600_028, 5_599_989], [600_025, 5_599_985]])])).toEqual(['......', '..#...', '......', '......']);
    expect(drawn(cells, [polygon([[600_025, 5_599_985], [600_028, 5_599_981], [600_022, 5_599_981], [600_025, 5_599_985]])])).toEqual(['......', '..#...', '......', '......']);
  });

  it('have holes, whose borders belong to them, and several parts', () => {
    const cells = grid({ width: 7, height: 5 });
    expect(drawn(cells, [polygon(box(600_000, 5_599_950, 600_070, 5_600_000), box(600_012, 5_599_968, 600_048, 5_599_988))])).toEqual(['#######', '#....##', '#....##', '#######', '#######']);
    expect(drawn(cells, [polygon(box(600_000, 5_599_950, 600_070, 5_600_000), box(600_015, 5_599_965, 600_045, 5_599_985))])).toEqual(['#######', '#######', '##..###', '#######', '#######']);
    expect(drawn(cells, [{ type: 'MultiPolygon', coordinates: [[box(600_000, 5_599_990, 600_010, 5_600_000)], [box(600_050, 5_599_950, 600_070, 5_599_960)]] }])).toEqual(['#......', '.......', '.......', '.......', '.....##']);
  });

  it('agree with JSTS on any valid polygon, also with corners on centres', () => {
    const cells = grid({ width: 12, height: 10 });
    // Multiples of half a cell hit centres, borders and corners.
    const point = fc.tuple(fc.integer({ min: -2, max: 26 }), fc.integer({ min: -2, max: 22 })).map(([x, y]) => [600_000 + x * 5, 5_600_000 - y * 5]);
    fc.assert(fc.property(fc.array(point, { minLength: 3, maxLength: 7 }), (corners) => {
      const shape = polygon([...corners, corners[0]!]);
      fc.pre(new IsValidOp(read(shape)).isValid());
      expect(drawn(cells, [shape])).toEqual(byRelation(cells, shape));
    }), { numRuns: 60 });
  });

  it('in degrees follow their straight edges into the system of the grid', () => {
    const cells = grid({ originX: 500_000, originY: 6_000_000, stepX: 1000, stepY: 1000, width: 60, height: 50 });
    // Its southern edge of 2° bends by more than a cell in UTM.
    const shape = polygon([[3.1, 53.8], [3.2, 53.9], [3.9, 54.1], [5.2, 53.75], [3.1, 53.8]]);
    expect(drawn(cells, [shape], 'EPSG:4326')).toEqual(byRelation(cells, shape, 'EPSG:4326'));
    const straight = reproject(shape, 'EPSG:4326', cells.crs);
    expect(drawn(cells, [straight])).not.toEqual(drawn(cells, [shape], 'EPSG:4326'));
  });

  it('that reach far beyond the grid, round the globe even, cover it', () => {
    const cells = grid({ width: 3, height: 2 });
    const full = ['###', '###'];
    expect(drawn(cells, [polygon(box(-16, 40, 33, 85))], 'EPSG:4326')).toEqual(full);
    expect(drawn(cells, [polygon(box(-180, -90, 180, 90))], 'EPSG:4326')).toEqual(full);
    expect(drawn(cells, [polygon(box(-170, -60, -160, -50))], 'EPSG:4326')).toEqual(['...', '...']);
  });

  it('beyond 180° are the places a turn away', () => {
    const cells = grid({ crs: 'EPSG:4326', originX: 178, originY: 2, stepX: 1, stepY: 1, width: 4, height: 2 });
    const shape = polygon(box(179, 0, 181, 2));
    expect(drawn(cells, [shape])).toEqual(['.##.', '.##.']);
    expect(drawn(cells, [shifted(shape, -360)])).toEqual(['.##.', '.##.']);
    const utm = grid({ crs: 'EPSG:32660', originX: 820_000, originY: 120_000, stepX: 10_000, stepY: 10_000, width: 30, height: 10 });
    const across = [polygon(box(179.2, 0.2, 180, 0.9)), polygon(box(-180, 0.2, -179.2, 0.9))];
    expect(drawn(utm, across, 'EPSG:4326').join('').replaceAll('.', '').length).toBe(drawn(utm, [polygon(box(179.2, 0.2, 180.8, 0.9))], 'EPSG:4326').join('').replaceAll('.', '').length);
  });

  it('that cross themselves are filled by the even-odd rule', () => {
    const cells = grid({ width: 4, height: 4 });
    expect(drawn(cells, [polygon([[600_000, 5_600_000], [600_040, 5_599_960], [600_040, 5_600_000], [600_000, 5_599_960], [600_000, 5_600_000]])])).toEqual(['#..#', '####', '####', '#..#']);
  });
});

describe('lines and points', () => {
  it('take the cells that they pass, and the nearest one', () => {
    const cells = grid({ width: 6, height: 3 });
    expect(drawn(cells, [{ type: 'LineString', coordinates: [[600_002, 5_599_998], [600_038, 5_599_991], [600_041, 5_599_979]] }])).toEqual(['####..', '...##.', '....#.']);
    expect(drawn(cells, [{ type: 'MultiPoint', coordinates: [[600_001, 5_599_999], [600_059.9, 5_599_970.1], [600_030, 5_599_985]] }])).toEqual(['#.....', '...#..', '.....#']);
    // The outer edges are as near to the cells inside as to those outside.
    expect(drawn(cells, [{ type: 'Point', coordinates: [600_060, 5_599_970] }])).toEqual(['......', '......', '.....#']);
    expect(drawn(cells, [{ type: 'Point', coordinates: [600_061, 5_599_975] }])).toEqual(['......', '......', '......']);
  });

  it('of any line are the cells whose square it meets', () => {
    const cells = grid({ width: 9, height: 8 });
    const at = fc.tuple(fc.double({ min: -8, max: 98, noNaN: true }), fc.double({ min: -8, max: 88, noNaN: true }));
    fc.assert(fc.property(at, at, ([x0, y0], [x1, y1]) => {
      // Away from corners and borders, where cells only touch.
      const off = (v: number) => Math.round(v * 7) / 7 + 0.0371;
      const line: Geometry = { type: 'LineString', coordinates: [[600_000 + off(x0), 5_600_000 - off(y0)], [600_000 + off(x1), 5_600_000 - off(y1) - 0.0113]] };
      const target = read(line);
      const expected = Array.from({ length: 8 }, (_, r) => Array.from({ length: 9 }, (__, c) => '.#'[Number(RelateOp.intersects(target, read(polygon(box(600_000 + c * 10, 5_599_990 - r * 10, 600_010 + c * 10, 5_600_000 - r * 10)))))]).join(''));
      expect(drawn(cells, [line])).toEqual(expected);
    }), { numRuns: 100 });
  });
});

describe('runs and extents', () => {
  it('are sorted and never overlap', () => {
    const cells = grid();
    const runs = new Coverage(cells, [{ type: 'MultiPolygon', coordinates: [[box(600_000, 5_599_980, 600_050, 5_600_000)], [box(600_030, 5_599_970, 600_080, 5_599_990)]] }], cells.crs).runs(0, whole(cells));
    expect([...runs]).toEqual([0, 0, 5, 1, 0, 8, 2, 3, 8]);
  });

  it('of a window are the part in it', () => {
    const coverage = new Coverage(grid(), [polygon(box(600_000, 5_599_900, 600_100, 5_600_000))], 'EPSG:32631');
    expect([...coverage.runs(0, { x: 3, y: -2, width: 4, height: 4 })]).toEqual([0, 3, 7, 1, 3, 7]);
  });

  it('extents hold the centres in the box of the geometries', () => {
    const extent = (...shapes: Geometry[]) => new Coverage(grid(), shapes, 'EPSG:32631').extent();
    expect(extent(polygon(box(600_011, 5_599_951, 600_049, 5_599_989)))).toEqual({ x: 1, y: 1, width: 4, height: 4 });
    expect(extent({ type: 'Point', coordinates: [600_011, 5_599_951] }, EMPTY_GEOMETRY)).toEqual({ x: 1, y: 4, width: 1, height: 1 });
    expect(extent(EMPTY_GEOMETRY)).toBeNull();
  });
});
