import { describe, expect, it } from 'vitest';
import { footprint } from '../../src/geo/footprint.ts';
import { boxOf, intersectionTest, type Geometry } from '../../src/geo/geometry.ts';

const grid = (crs: string, originX: number, originY: number, step: number, width: number, height = width) => ({ crs, originX, originY, stepX: step, stepY: step, width, height });

describe('footprint', () => {
  it('is a counter-clockwise ring of four corners for a small scene', () => {
    const { geometry, bbox } = footprint(grid('EPSG:32631', 664_000, 5_612_120, 10, 100))!;
    const [ring] = geometry.coordinates as [number[][]];
    expect(ring.length).toBe(5);
    expect(ring[0]).toEqual(ring[4]);
    const area = ring.slice(0, 4).reduce((sum, [x, y], i) => sum + x! * ring[i + 1]![1]! - ring[i + 1]![0]! * y!, 0);
    expect(area).toBeGreaterThan(0);
    // Corners by gdaltransform 3.6.2.
    [5.3188680045, 50.6285760598, 5.3334400271, 50.6378438996].forEach((edge, i) => expect(bbox[i]).toBeCloseTo(edge, 7));
  });

  it('follows the curve of the edges of a large one', () => {
    const { geometry } = footprint(grid('EPSG:32631', 300_000, 9_000_000, 1000, 400))!;
    expect((geometry.coordinates as number[][][])[0]!.length).toBe(33);
  });

  it.each([
    ['UTM zone 60 across 180°', grid('EPSG:32660', 570_585, 5_847_615, 100, 2325), true],
    ['UTM zone 1 across 180°', grid('EPSG:32601', 100_000, 2_000_000, 1000, 200), true],
    ['degrees beyond 180', grid('EPSG:4326', 175, 10, 1, 10), true],
    ['degrees before -180', grid('EPSG:4326', -190, 10, 1, 20, 10), true],
    ['degrees up to 180', grid('EPSG:4326', 170, 10, 1, 10), false],
    ['degrees wholly beyond', grid('EPSG:4326', 181, 10, 1, 20, 10), false],
  ])('%s', (_name, of, isSplit) => {
    const { geometry, bbox } = footprint(of)!;
    expect(geometry.type).toBe(isSplit ? 'MultiPolygon' : 'Polygon');
    expect(bbox[0] > bbox[2]).toBe(isSplit);
    const [west, , east] = boxOf(geometry);
    expect([west >= -180, east <= 180]).toEqual([true, true]);
    if (!isSplit) return;
    const pieces = (geometry.coordinates as number[][][][]).map((coordinates): Geometry => ({ type: 'Polygon', coordinates }));
    expect(pieces.map((piece) => intersectionTest(piece)({ type: 'Point', coordinates: [boxOf(piece)[0] < 0 ? -179.9 : 179.9, (bbox[1] + bbox[3]) / 2] }))).toEqual([true, true]);
  });

  it('goes round the globe where the data do', () => {
    expect(footprint(grid('EPSG:4326', -180, 90, 1, 360, 180))!.bbox).toEqual([-180, -90, 180, 90]);
    expect(footprint(grid('EPSG:4326', 0, 90, 1, 360, 180))!.bbox).toEqual([-180, -90, 180, 90]);
    const antarctica = footprint(grid('EPSG:3031', -3e6, 3e6, 1000, 6000))!;
    expect(antarctica.bbox.slice(0, 3)).toEqual([-180, -90, 180]);
  });

  it('is null where the coordinates mean no place', () => {
    expect(footprint(grid('EPSG:4326', 0, 500, 1, 10))).toBeNull();
  });
});
