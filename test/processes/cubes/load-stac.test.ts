import { describe, expect, it } from 'vitest';
import { callback, codeOf, grid, recordingScope, run, sample } from './harness.ts';

const cube = sample({ bands: ['B02'], grid: grid(2, 2) });

describe('load_stac', () => {
  const load = async (args: object) => {
    const { scope, stacs } = recordingScope(cube);
    expect(await run('load_stac', { url: 'https://stac.example/item.json', ...args }, scope)).toBe(cube);
    return stacs[0]!;
  };

  it('asks for everything when nothing is limited', async () => {
    expect(await load({})).toEqual({ url: 'https://stac.example/item.json', spatialExtent: null, temporalExtent: null, bands: null, properties: null });
  });

  it('reads its limits as load_collection does', async () => {
    const box = { west: 5, south: 50, east: 6, north: 51 };
    const request = await load({ spatial_extent: box, temporal_extent: ['2024-01-01', null], bands: ['red'], properties: { 'eo:cloud_cover': callback('lt', { x: { from_parameter: 'value' }, y: 20 }) } });
    expect(request).toMatchObject({ spatialExtent: { ...box, crs: 'EPSG:4326' }, temporalExtent: ['2024-01-01T00:00:00Z', null], bands: ['red'] });
    expect([5, 25].map((cover) => request.properties!['eo:cloud_cover']!(cover))).toEqual([true, false]);
  });

  it('keeps the query of a URL, which may sign it, and drops the fragment', async () => {
    expect((await load({ url: 'https://stac.example/results?signature=a%2Fb#top' })).url).toBe('https://stac.example/results?signature=a%2Fb');
  });

  it.each([
    ['TemporalExtentEmpty', { temporal_extent: ['2024-02-01', '2024-01-01'] }],
    ['ProcessParameterInvalid', { temporal_extent: [null, null] }],
    ['ProcessParameterInvalid', { bands: [] }],
    ['ProcessParameterInvalid', { url: 'file:///etc/passwd' }],
    ['ProcessParameterInvalid', { url: 'ftp://stac.example/item.json' }],
    ['ProcessParameterInvalid', { url: 'stac.example/item.json' }],
    ['ProcessParameterInvalid', { url: 'https://' }],
    ['ProcessParameterInvalid', { url: 'https://user:secret@stac.example/item.json' }],
    ['ProcessParameterInvalid', { url: `https://stac.example/${'x'.repeat(9000)}` }],
    ['ProcessParameterInvalid', { url: 7 }],
  ])('refuses with %s: %j', async (code, args) => {
    expect(await codeOf(load(args))).toBe(code);
  });

  it('names itself in messages', async () => {
    await expect(load({ spatial_extent: { west: 5, south: 51, east: 6, north: 50 } })).rejects.toThrow(/load_stac/);
  });
});
