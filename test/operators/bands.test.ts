import { describe, expect, it } from 'vitest';
import type { BandDescription } from '../../src/cube/cube.ts';
import { matchBands } from '../../src/operators/bands.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { operatorsDirectory } from './golden.ts';

const { manifest } = (await openRegistry(operatorsDirectory)).resolve('pca');
const wanted = manifest.input.bands.map((b) => b.name);
const named = (...names: string[]): BandDescription[] => names.map((name) => ({ name }));
const namesOf = (cube: BandDescription[]) => matchBands(manifest, cube).map((i) => cube[i]!.name);

describe('matching bands', () => {
  it('finds them by name, in the order of the operator, among others', () => {
    const cube = named('SCL', 'B12', 'B11', 'B8A', 'B08', 'B07', 'B06', 'B05', 'B04', 'B03', 'B02', 'B01');
    expect(namesOf(cube)).toEqual(wanted);
    expect(matchBands(manifest, cube)[0]).toBe(10);
  });

  it('finds them by common name when nothing has the name', () => {
    const commons = ['swir22', 'nir', 'blue', 'green', 'red', 'rededge071', 'rededge078', 'rededge075', 'swir16'];
    const cube = commons.map((common_name, i) => ({ name: `layer_${i}`, common_name }));
    expect(matchBands(manifest, cube)).toEqual([2, 3, 4, 5, 7, 6, 1, 8, 0]);
  });

  it('prefers the name to the common name', () => {
    const cube = [{ name: 'blue_copy', common_name: 'blue' }, ...named(...wanted)];
    expect(namesOf(cube)).toEqual(wanted);
  });

  it('tells three bands called rededge apart by wavelength', () => {
    const edges = [0.783, 0.705, 0.74].map((center_wavelength, i) => ({ name: `rededge${3 - i}`, common_name: 'rededge', center_wavelength }));
    const cube = [...edges, ...['blue', 'green', 'red', 'nir', 'swir16', 'swir22'].map((common_name) => ({ name: common_name, common_name }))];
    expect(matchBands(manifest, cube)).toEqual([3, 4, 5, 1, 2, 0, 6, 7, 8]);
  });

  it('does not guess among bands of one common name without wavelengths', () => {
    const cube = [...named(...wanted.filter((n) => n !== 'B08')), { name: 'n1', common_name: 'nir' }, { name: 'n2', common_name: 'nir' }];
    expect(() => matchBands(manifest, cube)).toThrow('needs bands that the data cube lacks: B08 (nir).');
  });

  it('does not take the narrow near infrared for the wide one', () => {
    const cube = [...named(...wanted.filter((n) => n !== 'B08')), { name: 'B8A', common_name: 'nir08', center_wavelength: 0.865 }];
    expect(() => matchBands(manifest, cube)).toThrow(/lacks: B08 \(nir\)/);
  });

  it('does not take a band of another satellite for its namesake', () => {
    const cube = [...named(...wanted.filter((n) => n !== 'B05')), { name: 'B05', common_name: 'nir' }];
    expect(() => matchBands(manifest, cube)).toThrow(/lacks: B05 \(rededge071\)/);
  });

  it('names all that are missing and all that there are', () => {
    expect(() => matchBands(manifest, named('B02', 'B03', 'B04', 'B08', 'SCL'))).toThrow(expect.objectContaining({
      code: 'OperatorBandsMissing',
      message: "The operator 'pca' needs bands that the data cube lacks: B05 (rededge071), B06 (rededge075), B07 (rededge078), B11 (swir16), B12 (swir22). "
        + "Bands are matched by name, then by common name; the data cube has 'B02', 'B03', 'B04', 'B08', 'SCL'.",
    }));
    expect(() => matchBands(manifest, [])).toThrow(/the data cube has none\./);
  });
});
