/** For tests: archives of small operators under any name and version. */
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packOperator, type PackedOperator } from '../../../src/operators/package/pack.ts';
import { operatorsDirectory } from '../golden.ts';

/** The shipped pca as another version, with other fields where the test wants them. */
export async function packed(folder: string, fields: Readonly<Record<string, unknown>> & { readonly version: string }): Promise<PackedOperator> {
  const place = await mkdtemp(join(folder, 'package-'));
  const source = join(place, 'source');
  await mkdir(source);
  for (const file of ['model.onnx', 'golden.json', 'card.md']) await cp(join(operatorsDirectory, 'pca', file), join(source, file));
  const manifest = JSON.parse(await readFile(join(operatorsDirectory, 'pca', 'operator.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(source, 'operator.json'), JSON.stringify({ ...manifest, ...fields }, null, 2));
  return packOperator(source, place);
}
