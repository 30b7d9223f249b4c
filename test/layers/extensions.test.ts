import { expect, it } from 'vitest';
import { usedExtensions } from '../../src/layers/extensions.ts';

const name = (schema: string) => /github\.io\/(\w+)\//.exec(schema)![1];

it('lists the extensions that have a field somewhere, and only those', () => {
  expect(usedExtensions({ datetime: null }, { data: { bands: [{ name: 'a', data_type: 'uint8' }] } })).toEqual([]);
  expect(usedExtensions({ 'processing:level': 'L4' }, { data: { 'proj:code': null, bands: [{ 'raster:scale': 2 }, { 'eo:common_name': 'red' }] } }).map(name)).toEqual(['eo', 'processing', 'projection', 'raster']);
  expect(usedExtensions({ 'cube:dimensions': {} }).map(name)).toEqual(['datacube']);
});

it('does not look into fields: a process graph may name properties of its own', () => {
  const expression = { format: 'openeo', expression: { load: { arguments: { properties: { 'eo:cloud_cover': {} } } } } };
  expect(usedExtensions({ 'processing:expression': expression }).map(name)).toEqual(['processing']);
});
