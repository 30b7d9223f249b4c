/** `lamina operator import`: other ways to hand over a model become packages, and what they lack is told. */
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { operatorNameOf, type Draft } from './operators/import/draft.ts';
import { importScript } from './operators/import/import-script.ts';

export async function operatorImport(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals: [file, ...more] } = parseArgs({
    args, allowPositionals: true,
    options: {
      output: { type: 'string' }, name: { type: 'string' }, version: { type: 'string' }, vendor: { type: 'boolean' }, json: { type: 'boolean' },
    },
  });
  if (file === undefined || more.length > 0) throw new Error('write one file: `lamina operator import FILE.py|FILE.ipynb`');
  const name = values.name ?? operatorNameOf(basename(file));
  const draft = await importScript(resolve(file), resolve(values.output ?? name), {
    name, ...(values.version !== undefined && { version: values.version }), ...(values.vendor && { vendor: true }), environment,
  });
  process.stdout.write(values.json ? `${JSON.stringify(draft, null, 2)}\n` : report(draft));
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
