/** Layers are for others, who have no access to a user's files: no graph of a layer may load any. */
import { expect, it } from 'vitest';
import { Faults } from '../../src/layers/layer-faults.ts';
import { sourcesOf } from '../../src/layers/layer-graph.ts';

it('refuses a layer that loads files, naming the node', () => {
  const faults = new Faults();
  sourcesOf({
    raw: { process_id: 'load_collection', arguments: { id: 'RAW' } },
    mine: { process_id: 'load_uploaded_files', arguments: { paths: ['a.tif'], format: 'GTiff' } },
  }, faults);
  expect(faults.list).toMatchObject([{ path: expect.stringContaining('/mine') as unknown, message: expect.stringContaining('export_collection') as unknown }]);
});
