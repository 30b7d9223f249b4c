/** `lamina operator pack | check | show | list`: packages on this machine. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { packageFolder } from '../deployment.ts';
import { createStreamLog } from '../log.ts';
import { openOperators } from '../open-operators.ts';
import { MANIFEST_FILE, readOperator } from '../operators/manifest.ts';
import type { Operator, OperatorParameter } from '../operators/operator.ts';
import { checkGolden } from '../operators/package/golden.ts';
import { packOperator, updateFiles } from '../operators/package/pack.ts';
import { unpackOperator } from '../operators/package/unpack.ts';
import { qualifiedName, runtimeNamed } from '../operators/reference.ts';
import type { OperatorIndex } from '../operators/registry/operator-index.ts';
import type { KnownOperator } from '../operators/registry/resolve.ts';
import { createOnnxRuntime } from '../operators/runtime/onnx.ts';
import { createOperatorRuntime } from '../runtimes/operator-runtime.ts';
import { openRuntime, processRuntimes, toolEnvironmentOf, userScratch } from '../runtimes/runtimes.ts';

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** `lamina operator pack FOLDER [--output FOLDER] [--update]` */
export async function operatorPack(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { output: { type: 'string' }, update: { type: 'boolean' } } });
  const folder = resolve(only(positionals, 'FOLDER'));
  if (values.update && await updateFiles(folder)) print(`${MANIFEST_FILE}: digests brought up to date`);
  const { path, sha256, size, operator } = await packOperator(folder, resolve(values.output ?? '.'));
  print(`${path}\n  ${operator.reference}\n  sha256:${sha256}, ${size} bytes`);
}

/** `lamina operator check FOLDER|ARCHIVE|NAME [--runtime NAME]`: the manifest, the digests and the golden vectors. */
export async function operatorCheck(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { runtime: { type: 'string' } } });
  const runtimeName = values.runtime === undefined ? null : runtimeNamed(values.runtime);
  if (values.runtime !== undefined && runtimeName === null) throw new Error(`there is no runtime '${values.runtime}'; there are onnx, ${processRuntimes.join(', ')}`);
  await withPackage(only(positionals, 'FOLDER|ARCHIVE|NAME'), environment, async (operator) => {
    print(`${qualifiedName(operator.manifest)} ${operator.manifest.version}: manifest and digests are right\n  ${operator.reference}`);
    await printGolden(runtimeName === null ? operator : { ...operator, runtime: runtimeName }, environment);
  });
}

/** In the runtime that the operator would usually have, or in another. */
async function printGolden(operator: Operator, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = createStreamLog(process.stderr, 'error');
  const settings = { scratch: userScratch(), toolEnvironment: toolEnvironmentOf(environment) };
  const runtime = createOperatorRuntime({
    onnx: createOnnxRuntime({ threads: 1, log }), runtimes: (name) => openRuntime(name, settings), allowed: ['onnx', ...processRuntimes], concurrency: 1, log,
  });
  try {
    const results = await checkGolden(operator, runtime);
    for (const { seed, shape, largestDifference, isWithin } of results) print(`  golden vectors, seed ${seed}, [${shape.join(', ')}]: ${isWithin ? 'right' : 'WRONG'}, largest difference ${largestDifference.toExponential(2)}`);
    if (!results.every(({ isWithin }) => isWithin)) throw new Error(`'${operator.manifest.name}' does not give its golden vectors; another model, or another program made them`);
  } finally {
    await runtime.close();
  }
}

/** `lamina operator show FOLDER|ARCHIVE|NAME [--json]` */
export async function operatorShow(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } });
  await withPackage(only(positionals, 'FOLDER|ARCHIVE|NAME'), environment, async (operator) => print(values.json ? JSON.stringify(operator.manifest, null, 2) : described(operator)));
}

function described({ manifest, reference, runtime, signedBy, isolated }: Operator): string {
  const { params = [] } = manifest;
  return [
    `${qualifiedName(manifest)} ${manifest.version}: ${manifest.title}`,
    manifest.description,
    '',
    `  reference   ${reference}`,
    `  kind        ${manifest.kind}, usually run by '${runtime}'`,
    ...(signedBy === undefined ? [] : [`  signed by   ${signedBy}`]),
    ...(isolated === undefined ? [] : [`  isolated    ${isolated}`]),
    `  licence     ${manifest.license}`,
    `  bands       ${manifest.input.bands.map(({ name }) => name).join(', ')} at ${manifest.input.gsd} m`,
    `  patch       ${manifest.patch} pixels, halo ${manifest.halo}`,
    `  embedding   ${manifest.output.dimensions} dimensions${manifest.output.prefix_truncatable ? ', the first of which can stand alone' : ''}`,
    ...(params.length > 0 ? ['  parameters', ...params.map(parameterLine)] : []),
  ].join('\n');
}

function parameterLine(parameter: OperatorParameter): string {
  const { name, type, items, enum: allowed, minimum, maximum, unit, description } = parameter;
  const limits = [
    ...(allowed ? [`one of ${allowed.join(', ')}`] : []),
    ...(minimum !== undefined || maximum !== undefined ? [`${minimum ?? ''}..${maximum ?? ''}`] : []),
    ...(unit ? [unit] : []),
    parameter.default === undefined ? 'required' : `default ${JSON.stringify(parameter.default)}`,
  ];
  return `    ${name} (${type === 'array' ? `array of ${items ?? 'string'}` : type}; ${limits.join('; ')}): ${description}`;
}

/** `lamina operator list`: those that come along and those of the registries. */
export async function operatorList(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' } } });
  await withOperators(environment, async (index) => {
    await index.refresh();
    const known = new Map(index.all().map((each) => [each.digest, each]));
    const rows = index.list().map(({ digest }) => known.get(digest)!);
    if (values.json) return print(JSON.stringify(rows.map(listed), null, 2));
    for (const row of rows) print(rowOf(row));
    for (const { operator: { manifest }, refused } of known.values()) if (refused !== undefined) print(`${qualifiedName(manifest)}:${manifest.version} is not run here: ${refused}`);
  });
}

function listed({ operator: { manifest: { name, version, title, kind }, reference, signedBy, isolated }, tags = [] }: KnownOperator) {
  return { name, version, title, kind, reference, tags, signed_by: signedBy ?? null, isolated: isolated ?? null };
}

/** A line: what it is, what means it, and whose word there is for it. */
function rowOf({ operator: { manifest, signedBy, isolated }, tags = [] }: KnownOperator): string {
  const remarks = [...tags, ...(signedBy === undefined ? [] : [`signed by ${signedBy}`]), ...(isolated === undefined ? [] : [`in a sandbox: ${isolated}`])];
  return `${`${qualifiedName(manifest)}:${manifest.version}`.padEnd(32)} ${manifest.kind.padEnd(6)} ${manifest.title}${remarks.length > 0 ? `  (${remarks.join('; ')})` : ''}`;
}

async function withOperators<T>(environment: NodeJS.ProcessEnv, work: (index: OperatorIndex) => Promise<T>): Promise<T> {
  const index = await openOperators(readConfig(environment), { installed: packageFolder('operators'), log: createStreamLog(process.stderr, 'warning') });
  try {
    return await work(index);
  } finally {
    index.close();
  }
}

/** A package by its folder, its archive (unpacked for as long as it is needed), or its name. */
async function withPackage<T>(where: string, environment: NodeJS.ProcessEnv, work: (operator: Operator) => Promise<T>): Promise<T> {
  const found = await stat(where).catch(() => null);
  if (found?.isDirectory()) return work(await readOperator(resolve(where)));
  if (!found) return withOperators(environment, async (index) => work(await index.findPlain(where)));
  const folder = await mkdtemp(join(tmpdir(), 'lamina-operator-'));
  try {
    return await work(await unpackOperator(where, join(folder, 'operator')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function only([first, ...more]: readonly string[], what: string): string {
  if (first === undefined || more.length > 0) throw new Error(`write one ${what}`);
  return first;
}
