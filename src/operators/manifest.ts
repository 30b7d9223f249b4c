/** Reads operator packages: operator.json checked field by field, the model's bytes checked against its SHA-256. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { digest } from '../cube/digest.ts';
import { manifestFields, problemsOf } from './manifest-fields.ts';
import type { OnnxKind, Operator, OperatorManifest } from './operator.ts';

export const MANIFEST_FILE = 'operator.json';

/** An operator package that can't be used. The message names the file and every field that is wrong. */
export class OperatorPackageInvalid extends Error {
  override readonly name = 'OperatorPackageInvalid';

  constructor(file: string, problems: readonly string[], options?: ErrorOptions) {
    super(`${file}: ${problems.join('; ')}.`, options);
  }
}

/**
 * The operator in a folder. Its digest is that of the manifest (canonical JSON); the manifest holds the
 * SHA-256 of the model, which is checked here, so the digest names the model's bytes too.
 * Throws OperatorPackageInvalid.
 */
export async function readOperator(folder: string): Promise<Operator> {
  const shown = `${basename(folder)}/${MANIFEST_FILE}`;
  const manifest = parseManifest(await readPart(join(folder, MANIFEST_FILE), shown, 'utf8'), shown);
  if (manifest.kind === 'onnx') await verifyModel(resolve(folder, manifest.model.file), manifest.model, shown);
  const pinned = digest(manifest);
  return { manifest, digest: pinned, reference: `${manifest.name}@${pinned}`, runtime: 'onnx', params: {}, folder: async () => folder };
}

/** operator.json as a manifest; `file` is what the message of OperatorPackageInvalid calls it. */
export function parseManifest(json: string, file: string): OperatorManifest {
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch (error) {
    throw new OperatorPackageInvalid(file, [`is not JSON: ${(error as Error).message}`], { cause: error });
  }
  const problems = problemsOf(content, manifestFields);
  if (problems.length > 0) throw new OperatorPackageInvalid(file, problems);
  const manifest = content as OperatorManifest;
  const lengths = [...lengthProblems(manifest), ...rangeProblems(manifest)];
  if (lengths.length > 0) throw new OperatorPackageInvalid(file, lengths);
  return manifest;
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

function rangeProblems({ rgb, input }: OperatorManifest): string[] {
  return [
    ...rgb.low.flatMap((low, i) => (low < rgb.high[i]! ? [] : [`rgb.high[${i}] must be above rgb.low[${i}]`])),
    ...(input.gsd < input.gsd_range[0] || input.gsd > input.gsd_range[1] ? ['input.gsd must be within input.gsd_range'] : []),
  ];
}

async function verifyModel(path: string, { file: name, sha256 }: OnnxKind['model'], file: string): Promise<void> {
  const bytes = await readPart(path, file, null);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) throw new OperatorPackageInvalid(file, [`model.sha256 is not that of ${name}, which is ${found}`]);
}

function readPart(path: string, file: string, encoding: 'utf8'): Promise<string>;
function readPart(path: string, file: string, encoding: null): Promise<Uint8Array>;
async function readPart(path: string, file: string, encoding: 'utf8' | null): Promise<string | Uint8Array> {
  try {
    return await readFile(path, encoding);
  } catch (error) {
    throw new OperatorPackageInvalid(file, [`${basename(path)} can't be read (${(error as NodeJS.ErrnoException).code})`], { cause: error });
  }
}
