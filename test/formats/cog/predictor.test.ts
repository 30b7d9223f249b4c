import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDifferences, applyFloatPlanes, undoDifferences, undoFloatPlanes } from '../../../src/formats/cog/predictor.ts';
import { separateBands } from '../../../src/formats/cog/separate.ts';

const shapes = fc.record({ columns: fc.integer({ min: 1, max: 9 }), bands: fc.integer({ min: 1, max: 5 }), rows: fc.integer({ min: 1, max: 4 }) });

const rowShape = ({ columns, bands, rows }: { columns: number; bands: number; rows: number }, bytesPerSample: number) => (
  { samplesPerRow: columns * bands, stride: bands, rows, bytesPerSample });

function randomBytes(length: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state & 255;
  });
}

describe.each([1, 2, 4])('differences of %d-byte samples', (size) => {
  it('come back', () => {
    fc.assert(fc.property(shapes, fc.nat(), (shape, seed) => {
      const original = randomBytes(shape.columns * shape.bands * shape.rows * size, seed);
      const bytes = original.slice();
      applyDifferences(bytes, rowShape(shape, size));
      undoDifferences(bytes, rowShape(shape, size));
      expect(bytes).toEqual(original);
    }));
  });

  it('are summed while bands are separated', () => {
    fc.assert(fc.property(shapes, fc.nat(), (shape, seed) => {
      const original = randomBytes(shape.columns * shape.bands * shape.rows * size, seed);
      const [plain, differenced] = [original.slice(), original.slice()];
      applyDifferences(differenced, rowShape(shape, size));
      separateBands(plain, { ...shape, bytesPerSample: size }, false);
      separateBands(differenced, { ...shape, bytesPerSample: size }, true);
      expect(differenced).toEqual(plain);
    }));
  });
});

it('separates bands of a row: [a1 b1 a2 b2] → [a1 a2 b1 b2]', () => {
  const data = Float64Array.of(1, 10, 2, 20, 3, 30, 4, 40);
  separateBands(new Uint8Array(data.buffer), { columns: 2, rows: 2, bands: 2, bytesPerSample: 8 }, false);
  expect([...data]).toEqual([1, 2, 10, 20, 3, 4, 30, 40]);
});

describe.each([2, 4, 8])('byte planes of %d-byte floats', (size) => {
  it('come back', () => {
    fc.assert(fc.property(shapes, fc.nat(), (shape, seed) => {
      const original = randomBytes(shape.columns * shape.bands * shape.rows * size, seed);
      const coded = applyFloatPlanes(original.slice(), rowShape(shape, size));
      expect(undoFloatPlanes(coded, rowShape(shape, size))).toEqual(original);
    }));
  });
});

it('puts the most significant bytes first and stores differences', () => {
  // 1.0 is 3f 80 00 00: planes 3f 3f | 80 80 | 00 00 | 00 00, differences 3f 00 | 41 00 | 80 00 | 00 00.
  const floats = new Uint8Array(Float32Array.of(1, 1).buffer);
  expect([...applyFloatPlanes(floats, { samplesPerRow: 2, stride: 1, rows: 1, bytesPerSample: 4 })]).toEqual([0x3f, 0, 0x41, 0, 0x80, 0, 0, 0]);
});
