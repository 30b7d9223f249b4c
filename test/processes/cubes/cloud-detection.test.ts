import { describe, expect, it } from 'vitest';
import type { CloudCodes } from '../../../src/cube/cloud-codes.ts';
import { callback, codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const sen2cor: CloudCodes = { method: 'Sen2Cor', rules: { cloud: [{ values: { 8: 0.5, 9: 1, 10: 1 } }], shadow: [{ values: { 3: 1 } }] }, unknown: [{ values: { 0: 1 } }] };
const fmask: CloudCodes = { method: 'Fmask', rules: { cloud: [{ offset: 5, length: 2, values: { 2: 0.5, 3: 1 } }] } };
const codes = [4, 8, 9, 10, 3, 0, null, 5];

const scene = (clouds: readonly (CloudCodes | undefined)[] = [undefined, sen2cor]) => sample({
  t: ['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z'], bands: clouds.map((_, i) => `b${i}`), grid: grid(4, 1), dtype: 'uint16',
  attributes: { bands: clouds.map((codesOfBand, i) => ({ name: `b${i}`, ...(codesOfBand && { clouds: codesOfBand }) })) },
  value: (i) => (Math.floor(i / 4) % 2 === 0 ? 1000 + i : codes[(i % 4) + 4 * Math.floor(i / 8)]!),
});
const detect = (args: Record<string, unknown>) => runCube('cloud_detection', args);

describe('cloud_detection', () => {
  it('makes probabilities of a scene classification', async () => {
    const result = await detect({ data: scene(), method: null });
    expect(result.labels('bands')).toEqual(['cloud', 'shadow']);
    expect(result.dimensions.map((d) => d.name)).toEqual(['t', 'bands', 'y', 'x']);
    expect(result.grid).toEqual(grid(4, 1));
    expect(result.attributes.bands!.map((band) => band.name)).toEqual(['cloud', 'shadow']);
    expect(await values(result)).toEqual([0, 0.5, 1, 1, 0, 0, 0, 0, 0, null, null, 0, 1, null, null, 0]);
    expect(await values(result, [1, 1, 0, 0], [1, 1, 1, 2])).toEqual([1, null]);
  });

  it('takes the band of the wanted method', async () => {
    const both = scene([fmask, sen2cor]);
    expect((await detect({ data: both, method: 'Sen2Cor' })).labels('bands')).toEqual(['cloud', 'shadow']);
    expect((await detect({ data: both, method: 'Fmask' })).labels('bands')).toEqual(['cloud']);
    await expect(detect({ data: scene(), method: 'Fmask' })).rejects.toThrow(/'method'.*no band that Fmask has made: 'b1' is of Sen2Cor/);
  });

  it('masks a cube without its bands being named', async () => {
    const data = scene();
    const clouds = await runCube('filter_bands', { data: await detect({ data, method: null }), bands: ['cloud'] });
    const flags = await runCube('reduce_dimension', { data: clouds, dimension: 'bands', reducer: callback('max', { data: { from_parameter: 'data' } }) });
    const masked = await runCube('mask', { data, mask: flags });
    expect((await values(masked)).slice(0, 4)).toEqual([1000, null, null, null]);
  });

  it('says what to load when no band says anything, also after the codes have been changed', async () => {
    await expect(detect({ data: scene([undefined, undefined]), method: null })).rejects.toThrow(/none of its bands \('b0', 'b1'\) says where clouds are; load/);
    const changed = await runCube('apply', { data: scene(), process: callback('add', { x: { from_parameter: 'x' }, y: 1 }) });
    expect(await codeOf(run('cloud_detection', { data: changed, method: null }))).toBe('ProcessParameterInvalid');
    expect((await detect({ data: await runCube('filter_bands', { data: scene(), bands: ['b1'] }), method: null })).labels('bands')).toEqual(['cloud', 'shadow']);
  });

  it('has a fingerprint of the codes and of the band that counts', async () => {
    const of = async (clouds: readonly (CloudCodes | undefined)[], method: string) => fingerprint(await detect({ data: scene(clouds), method }));
    expect(await of([undefined, sen2cor], 'Sen2Cor')).toBe(await of([undefined, sen2cor], 'Sen2Cor'));
    expect(await of([undefined, sen2cor], 'Sen2Cor')).not.toBe(await of([undefined, { ...sen2cor, unknown: [] }], 'Sen2Cor'));
    expect(await of([sen2cor, undefined], 'Sen2Cor')).not.toBe(await of([undefined, sen2cor], 'Sen2Cor'));
  });

  it('refuses other methods, options and cubes', async () => {
    expect(await codeOf(run('cloud_detection', { data: scene(), method: 'magic' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('cloud_detection', { data: scene(), method: null, options: { threshold: 1 } }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('cloud_detection', { data: sample({ t: ['2024-01-01'] }), method: null }))).toBe('DimensionMissing');
  });
});
