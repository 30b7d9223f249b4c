/** Stage 5: what catalogues will say about the version. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { itemOf } from '../../operators/registry/stac-item.ts';
import { StageFailed, type StageContext, type StageOutcome } from '../context.ts';
import { USUAL_NAMESPACE } from '../../operators/registry/layout.ts';

const ITEM_FILE = 'item.json';
/** Fields of the extension for models without which nobody could use the item. */
const WANTED = ['mlm:name', 'mlm:architecture', 'mlm:tasks', 'mlm:input', 'mlm:output'];
const LONG_ENOUGH = 40;

export async function metadata({ settings, operator: { manifest, digest }, found }: StageContext): Promise<StageOutcome> {
  const { sha256, size } = found.build!;
  const published = (settings.now ?? (() => new Date()))().toISOString();
  const item = itemOf({ version: manifest.version, digest, archive: { sha256, size }, published, manifest }, true);
  const missing = WANTED.filter((field) => item.properties[field] === undefined);
  if (missing.length > 0) throw new StageFailed(`The STAC item lacks ${missing.join(', ')}.`);
  await writeFile(join(settings.out, ITEM_FILE), `${JSON.stringify(item, null, 2)}\n`);
  const files = found.source!.files.map(({ path }) => path);
  const warnings = [
    ...(files.some((path) => /^(?:card|readme)\.md$/i.test(path)) ? [] : ['The package has no card.md: nobody will know what it was made of, and what it is not good for.']),
    ...(manifest.description.length >= LONG_ENOUGH ? [] : [`The description has ${manifest.description.length} characters; say what the vectors are good for.`]),
  ];
  return { detail: `STAC item ${item.id} in ${manifest.namespace ?? USUAL_NAMESPACE}/${manifest.name}`, warnings, artefacts: [ITEM_FILE] };
}
