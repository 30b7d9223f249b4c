import { expect, it } from 'vitest';
import { configurationSchemas, readConfiguration, tileBackground, tileFormat } from '../../src/services/configuration.ts';
import type { ServiceDefinition } from '../../src/services/service.ts';

it('announces the defaults that it uses', () => {
  const { visibility, tileSize, minZoom, maxZoom } = readConfiguration({});
  const announced = (name: string) => configurationSchemas[name]!['default'];
  expect([visibility, tileSize, minZoom, maxZoom]).toEqual(['visibility', 'tile_size', 'minzoom', 'maxzoom'].map(announced));
  expect(readConfiguration()).toEqual(readConfiguration({}));
});

it('takes every value that its schemas list', () => {
  for (const [name, { enum: choices }] of Object.entries(configurationSchemas)) {
    for (const value of (choices ?? []) as unknown[]) expect(() => readConfiguration({ [name]: value }), `${name} ${String(value)}`).not.toThrow();
  }
});

it('reads what a picture needs', () => {
  expect(readConfiguration({ min: [0, 1, 2], max: 9, bands: ['a', 'b', 'c'], visibility: 'PUBLIC', minzoom: 2, maxzoom: 2 })).toEqual({
    visibility: 'public', tileSize: 256, minZoom: 2, maxZoom: 2, picture: { min: [0, 1, 2], max: 9, bands: ['a', 'b', 'c'] },
  });
});

it.each([
  [{ visibility: 3 }, 'visibility'], [{ tile_size: '256' }, 'tile_size'], [{ minzoom: 1.5 }, 'minzoom'], [{ maxzoom: 23 }, 'maxzoom'], [{ quality: 0 }, 'quality'], [{ bands: 'B02' }, 'bands'],
  [{ bands: [1] }, 'bands'], [{ min: 'low' }, 'min'], [{ colormap: ['#fff'] }, 'colormap'], [{ colormap: { a: '#ffffff' } }, 'colormap'], [{ colormap: { 1: 'white' } }, 'colormap'], [{ background: [1, 2] }, 'background'],
  [{ format: 'gif' }, 'format'], [{ colormap: { 1: '#ffffff' }, min: 3 }, 'min'],
])('refuses %j', (given, parameter) => {
  let thrown: unknown;
  try {
    readConfiguration(given);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'ServiceConfigInvalid', message: expect.stringContaining(`parameter '${parameter}'`) as unknown });
});

it.each(['constructor', '__proto__x', 'title', ''])('does not know %j', (name) => {
  expect(() => readConfiguration({ [name]: 1 })).toThrow(/is not supported/);
});

it('finds format and background in the last node where the service says nothing', () => {
  const saving = (format: unknown, options?: unknown): ServiceDefinition => ({ process: { process_graph: { s: { process_id: 'save_result', arguments: { format, options }, result: true } } } });
  expect([tileFormat(saving('JPEG')), tileFormat(saving('jpg')), tileFormat(saving('GTiff')), tileFormat({ process: { process_graph: {} } })]).toEqual(['jpeg', 'jpeg', 'png', 'png']);
  expect(tileFormat({ ...saving('JPEG'), configuration: { format: 'png' } })).toBe('png');
  expect([tileBackground(saving('JPEG', { background: '#123456' })), tileBackground(saving('JPEG', null))]).toEqual(['#123456', '#ffffff']);
});
