import { describe, expect, it } from 'vitest';
import { cloudCodesOf } from '../../src/catalog/cloud-codes.ts';
import { describeBand } from '../../src/catalog/ingest/known-bands.ts';
import { collectionBands } from '../../src/catalog/load-plan.ts';
import type { StacCollection } from '../../src/catalog/types.ts';
import { probabilityOf } from '../../src/cube/cloud-codes.ts';

describe('what bands say about clouds', () => {
  it('is written down when files are ingested', () => {
    expect(describeBand('SCL', 'sentinel-2')['lamina:cloud']).toMatchObject({ method: 'Sen2Cor' });
    expect(describeBand('BQA', 'landsat-oli')['lamina:cloud']).toMatchObject({ method: 'Fmask' });
    expect(describeBand('B04', 'sentinel-2')).not.toHaveProperty('lamina:cloud');
  });

  it('travels with the bands of a collection, known by name or told', () => {
    const told = { method: 's2cloudless', cloud: [{ scale: 0.01 }] };
    const collection = { 'cube:dimensions': {}, bands: [{ name: 'B04' }, { name: 'scl' }, { name: 'clp', 'lamina:cloud': told }] } as unknown as StacCollection;
    expect(collectionBands(collection).map((band) => band.clouds?.method)).toEqual([undefined, 'Sen2Cor', 's2cloudless']);
  });

  it.each([
    ['no method', { cloud: [{ scale: 1 }] }],
    ['nothing known', { method: 'Fmask', rain: [{ scale: 1 }] }],
    ['no list', { method: 'Fmask', cloud: { scale: 1 } }],
    ['a probability above 1', { method: 'Fmask', cloud: [{ values: { 1: 2 } }] }],
    ['bits that do not exist', { method: 'Fmask', cloud: [{ offset: 40, values: { 1: 1 } }] }],
    ['a scale of nothing', { method: 'Fmask', cloud: [{ scale: 0 }] }],
    ['a text', 'cloudy'],
  ])('is ignored with %s', (_, field) => {
    expect(cloudCodesOf('mask', { name: 'mask', 'lamina:cloud': field })).toBeNull();
  });

  it('reads the quality bits of Landsat', () => {
    // USGS: 21824 clear, 22280 cloud of high confidence, 23888 shadow of high confidence, 54596 cirrus of high confidence.
    const { rules, unknown } = cloudCodesOf('QA_PIXEL', undefined)!;
    const of = (code: number) => [probabilityOf(code, rules.cloud!), probabilityOf(code, rules.shadow!), probabilityOf(code, unknown!)];
    expect([21824, 22280, 23888, 54596, 1].map(of)).toEqual([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]);
    // Collection 1: 2720 clear, 2800 cloud, 2976 shadow, 6816 cirrus.
    const first = cloudCodesOf('BQA', undefined)!.rules;
    expect([2720, 2800, 2976, 6816].map((code) => [probabilityOf(code, first.cloud!), probabilityOf(code, first.shadow!)])).toEqual([[0, 0], [1, 0], [0, 1], [1, 0]]);
  });
});
