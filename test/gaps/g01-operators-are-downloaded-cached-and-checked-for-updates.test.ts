/**
 * G1: "if the operator is not available it is downloaded and cached; each subsequent call checks for a new version" was said of
 * CLAIMED, whose code neither downloads nor caches nor checks. Here one call does all of it.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { openOperators } from '../../src/open-operators.ts';
import { Registry } from '../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { serveDirectory, type HttpDouble } from '../operators/registry/http-double.ts';
import { packed } from '../operators/registry/packages.ts';
import { operatorsDirectory } from '../operators/golden.ts';

let folder: string;
let server: HttpDouble;
let registry: Registry;
const warnings: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-g01-'));
  registry = new Registry(createLocalStore(join(folder, 'registry')));
  server = await serveDirectory(join(folder, 'registry'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** One call of the command line, as far as the operator is concerned: nothing is set but the registry. */
async function call(reference: string): Promise<{ version: string; files: string[]; requests: string[] }> {
  const log = createLog(({ message }) => void warnings.push(message), 'warning');
  const config = readConfig({ LAMINA_OPERATORS: server.url, LAMINA_DATA: join(folder, 'data') });
  const operators = await openOperators(config, { installed: operatorsDirectory, log });
  const operator = await operators.find(reference);
  const files = await readdir(await operator.folder());
  operators.close();
  return { version: operator.manifest.version, files, requests: server.requests.splice(0).map((line) => line.replace(/^GET operators\/library\/spectral\//, '')) };
}

it('G1: operators are downloaded, cached, and checked for updates at each call', async () => {
  await registry.publish((await packed(folder, { name: 'spectral', version: '1.0.0' })).path, { by: 'someone' });
  const first = await call('containerless/spectral:latest');
  expect(first).toMatchObject({ version: '1.0.0', files: expect.arrayContaining(['model.onnx', 'operator.json']) as unknown });
  expect(first.requests.filter((line) => line.includes('.tar.gz'))).toEqual(['versions/1.0.0/spectral-1.0.0.tar.gz 200']);

  expect((await call('containerless/spectral:latest')).requests).toEqual(['collection.json 304']);
  expect((await call('containerless/spectral:1.0.0')).requests).toEqual([]);

  await registry.publish((await packed(folder, { name: 'spectral', version: '1.1.0' })).path, { by: 'someone' });
  expect(await call('containerless/spectral:latest')).toMatchObject({ version: '1.1.0' });
  expect((await call('containerless/spectral:1.0.0')).version).toBe('1.0.0');

  expect(warnings).toEqual([]);
  server.isDown = true;
  expect((await call('containerless/spectral:latest')).version).toBe('1.1.0');
  expect(warnings).toHaveLength(1);
});
