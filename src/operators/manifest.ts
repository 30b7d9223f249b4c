/** Reads operator packages: operator.json checked field by field, the model's bytes checked against its SHA-256. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileDigest } from '../storage/file-digest.ts';
import { plainOperator } from './called-operator.ts';
import { fieldsOf, problemsOf } from './manifest-fields.ts';
import type { OnnxKind, Operator, OperatorManifest, PackageFile } from './operator.ts';

export const MANIFEST_FILE = 'operator.json';
/** A manifest with thousands of dimensions has some hundred kilobytes. */
export const LARGEST_MANIFEST = 4 * 2 ** 20;

/** An operator package that can't be used. The message names the file and every field that is wrong. */
export class OperatorPackageInvalid extends Error {
  override readonly name = 'OperatorPackageInvalid';

  constructor(file: string, problems: readonly string[], options?: ErrorOptions) {
    super(`${file}: ${problems.join('; ')}.`, options);
  }
}

/**
 * The operator in a folder. Its digest is that of the manifest (canonical JSON); the manifest holds the
 * SHA-256 of the model or of all files, which are checked here, so the digest names their bytes too.
 * Throws OperatorPackageInvalid.
 */
export async function readOperator(folder: string): Promise<Operator> {
  const shown = `${basename(folder)}/${MANIFEST_FILE}`;
  const manifest = parseManifest(await readManifest(join(folder, MANIFEST_FILE), shown), shown);
  if (manifest.kind === 'onnx') await verifyModel(resolve(folder, manifest.model.file), manifest.model, shown);
  for (const [path, file] of Object.entries(manifest.files ?? {})) await verifyFile(folder, path, file, shown);
  return plainOperator(manifest, async () => folder);
}

/** operator.json as a manifest; `file` is what the message of OperatorPackageInvalid calls it. */
export function parseManifest(json: string, file: string): OperatorManifest {
  if (json.length > LARGEST_MANIFEST) throw new OperatorPackageInvalid(file, [`has ${json.length} characters, and ${LARGEST_MANIFEST} is the most`]);
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch (error) {
    throw new OperatorPackageInvalid(file, [`is not JSON: ${(error as Error).message}`], { cause: error });
  }
  const problems = manifestProblems(content);
  if (problems.length > 0) throw new OperatorPackageInvalid(file, problems);
  return content as OperatorManifest;
}

/** Everything that is wrong with the content of operator.json, one line each; an empty list: it is a manifest. */
export function manifestProblems(content: unknown): string[] {
  const kind = typeof content === 'object' && content !== null ? (content as Record<string, unknown>)['kind'] : undefined;
  const problems = problemsOf(content, fieldsOf(kind));
  if (problems.length > 0) return problems;
  const manifest = content as OperatorManifest;
  return [...lengthProblems(manifest), ...rangeProblems(manifest), ...fileProblems(manifest)];
}

/** Arrays that go with the dimensions must have as many entries. */
function lengthProblems({ output, quantization, rgb }: OperatorManifest): string[] {
  const expected: [string, readonly unknown[], number][] = [
    ['quantization.int8.scale', quantization.int8.scale, output.dimensions],
    ['quantization.int8.offset', quantization.int8.offset, output.dimensions],
    ...(quantization.binary ? [['quantization.binary.threshold', quantization.binary.threshold, output.dimensions] as [string, readonly unknown[], number]] : []),
    ['rgb.mean', rgb.mean, output.dimensions],
    ['rgb.components', rgb.components, 3],
    ...rgb.components.map((c, i): [string, readonly unknown[], number] => [`rgb.components[${i}]`, c, output.dimensions]),
    ['rgb.low', rgb.low, 3],
    ['rgb.high', rgb.high, 3],
  ];
  return expected.filter(([, array, length]) => array.length !== length).map(([field, array, length]) => `${field} must have ${length} entries, it has ${array.length}`);
}

function rangeProblems({ rgb, input, resources }: OperatorManifest): string[] {
  return [
    ...(resources?.accelerator_constrained && !resources.gpu ? ['resources.accelerator_constrained goes with resources.gpu: true only'] : []),
    ...rgb.low.flatMap((low, i) => (low < rgb.high[i]! ? [] : [`rgb.high[${i}] must be above rgb.low[${i}]`])),
    ...(input.gsd < input.gsd_range[0] || input.gsd > input.gsd_range[1] ? ['input.gsd must be within input.gsd_range'] : []),
  ];
}

/** What the manifest itself speaks of must be among its files. */
function fileProblems(manifest: OperatorManifest): string[] {
  const { files, golden } = manifest;
  if (!files) return [];
  const needed = [golden, ...(manifest.kind === 'onnx' ? [manifest.model.file] : []), ...(manifest.kind === 'exec' ? manifest.command.filter((word) => word.startsWith('./')).map((word) => word.slice(2)) : [])];
  const missing = needed.filter((path) => !Object.hasOwn(files, path)).map((path) => `files must name '${path}'`);
  const differs = manifest.kind === 'onnx' && missing.length === 0 && files[manifest.model.file]!.sha256 !== manifest.model.sha256;
  return differs ? ["model.sha256 must be that of the file in 'files'"] : missing;
}

async function verifyModel(path: string, { file: name, sha256 }: OnnxKind['model'], file: string): Promise<void> {
  const found = await sha256Of(path, file);
  if (found !== sha256) throw new OperatorPackageInvalid(file, [`model.sha256 is not that of ${name}, which is ${found}`]);
}

async function verifyFile(folder: string, path: string, { sha256, size }: PackageFile, file: string): Promise<void> {
  const found = await stat(join(folder, path)).catch((error: NodeJS.ErrnoException) => {
    throw new OperatorPackageInvalid(file, [`${path} can't be read (${error.code})`], { cause: error });
  });
  if (found.size !== size) throw new OperatorPackageInvalid(file, [`files says that ${path} has ${size} bytes, and it has ${found.size}`]);
  const sum = await sha256Of(join(folder, path), file);
  if (sum !== sha256) throw new OperatorPackageInvalid(file, [`files has another SHA-256 for ${path}, which has ${sum}`]);
}

function sha256Of(path: string, file: string): Promise<string> {
  return fileDigest(path).catch((error: NodeJS.ErrnoException) => {
    throw new OperatorPackageInvalid(file, [`${basename(path)} can't be read (${error.code})`], { cause: error });
  });
}

async function readManifest(path: string, file: string): Promise<string> {
  try {
    if ((await stat(path)).size > LARGEST_MANIFEST) throw new OperatorPackageInvalid(file, [`is larger than the ${LARGEST_MANIFEST} bytes that are read`]);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof OperatorPackageInvalid) throw error;
    throw new OperatorPackageInvalid(file, [`${basename(path)} can't be read (${(error as NodeJS.ErrnoException).code})`], { cause: error });
  }
}
