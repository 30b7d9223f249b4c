/** `lamina operator import`: other ways to hand over a model become packages, and what they lack is told. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { identityOf, importClaimedBundle } from '../operators/import/claimed-bundle.ts';
import { operatorNameOf, type Draft } from '../operators/import/draft.ts';
import { importModel } from '../operators/import/import-model.ts';
import { importScript } from '../operators/import/import-script.ts';
import type { ModelChoices } from '../operators/import/model-plan.ts';

/** What it is decides what is done: .py and .ipynb are sources of CLAIMED, .zip and folders what its compiler made of them, .onnx is a model. */
export async function operatorImport(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals: [file, ...more] } = parseArgs({
    args, allowPositionals: true,
    options: {
      output: { type: 'string' }, name: { type: 'string' }, version: { type: 'string' }, vendor: { type: 'boolean' }, json: { type: 'boolean' },
      item: { type: 'string' }, settings: { type: 'string' }, sensor: { type: 'string' }, samples: { type: 'string' }, license: { type: 'string' },
      bands: { type: 'string' }, chip: { type: 'string' }, pooling: { type: 'string' }, gsd: { type: 'string' },
    },
  });
  if (file === undefined || more.length > 0) throw new Error('write one file: `lamina operator import FILE.py|FILE.ipynb|FILE.onnx|claimed-NAME:VERSION.zip`');
  const isBundle = file.endsWith('.zip') || await stat(file).then((found) => found.isDirectory(), () => false);
  const to = resolve(values.output ?? values.name ?? (isBundle ? identityOf(basename(resolve(file))).name : operatorNameOf(basename(file))));
  const given = <K extends keyof typeof values>(...keys: K[]) => Object.fromEntries(keys.filter((key) => values[key] !== undefined).map((key) => [key, values[key]])) as { [P in K]?: Exclude<(typeof values)[P], undefined> };
  const draft = file.endsWith('.onnx')
    ? await importModel(resolve(file), to, {
      ...given('name', 'version', 'license', 'item', 'settings', 'sensor', 'samples'), ...modelChoices(values),
    })
    : isBundle ? await importClaimedBundle(resolve(file), to, given('name', 'version'))
    : await importScript(resolve(file), to, { ...given('name', 'version', 'vendor'), environment });
  process.stdout.write(values.json ? `${JSON.stringify(draft, null, 2)}\n` : report(draft));
}

function modelChoices({ bands, chip, pooling, gsd }: { readonly bands?: string | undefined; readonly chip?: string | undefined; readonly pooling?: string | undefined; readonly gsd?: string | undefined }): ModelChoices {
  const pixels = chip === undefined ? undefined : Number(chip);
  const metres = gsd === undefined ? undefined : Number(gsd);
  if (pixels !== undefined && !(Number.isInteger(pixels) && pixels > 0)) throw new Error(`--chip ${chip}: it must be a whole number of pixels`);
  if (metres !== undefined && !(metres > 0)) throw new Error(`--gsd ${gsd}: it must be a number of metres`);
  if (pooling !== undefined && pooling !== 'mean' && pooling !== 'class') throw new Error(`--pooling ${pooling}: it is 'mean' or 'class'`);
  return {
    ...(bands !== undefined && { bands: bands.split(',').map((name) => name.trim()) }), ...(pixels !== undefined && { chip: pixels }),
    ...(pooling !== undefined && { pooling }), ...(metres !== undefined && { gsd: metres }),
  };
}

function report({ folder, manifest, missing, remarks }: Draft): string {
  const params = (manifest['params'] ?? []) as readonly { name: string; type: string; default?: unknown }[];
  const required = params.filter((p) => p.default === undefined).map((p) => p.name);
  const list = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  - ${line}`)]);
  return [
    `${folder}: ${String(manifest['name'])} ${String(manifest['version'])}, kind '${String(manifest['kind'])}'`,
    `${params.length} parameters${required.length > 0 ? `, ${required.length} of them required: ${required.join(', ')}` : ''}`,
    ...list('To be known:', remarks),
    ...list('Missing in operator.json before it is an operator:', missing),
    ...(missing.length === 0 ? ['It is complete: `lamina operator check` runs its golden vectors.'] : []),
    '',
  ].join('\n');
}
