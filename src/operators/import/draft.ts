/** What an import makes: a folder that becomes an operator, and what its author still has to say. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE, manifestProblems } from '../manifest.ts';
import { describeFiles } from '../package/package-files.ts';

export interface Draft {
  readonly folder: string;
  /** operator.json as far as it could be found out. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** What is wrong or missing before it is an operator, one line each; empty: it is one. */
  readonly missing: readonly string[];
  /** What the author should know. */
  readonly remarks: readonly string[];
}

/** A package that can't be imported. The message says what it should have been. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
}

const HINTS: readonly [RegExp, string][] = [
  [/^license is missing/, 'an SPDX identifier, and put its text beside as LICENSE'],
  [/^input/, 'the bands in the order of the channels, the value for no-data, and the resolution in metres'],
  [/^(patch|halo) is missing/, 'pixels per vector along an axis, and how far beyond them the program looks'],
  [/^output/, 'how many dimensions a vector has, and whether its first ones are an embedding of their own'],
  [/^min_valid/, 'the share of valid pixels that a patch needs, 0.5 for example'],
  [/^quantization/, 'scale and offset of each dimension, from the range of its values'],
  [/^rgb/, 'three directions of the vectors for pictures, from a principal component analysis'],
  [/^golden/, 'a file with inputs and the vectors that your own program gives for them'],
];

/** The name of a file as that of an operator: 'ai_Compressor.py' → 'ai-compressor'. Throws ImportRefused when nothing is left. */
export function operatorNameOf(file: string): string {
  const name = file.replace(/\.[^.]*$/, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '').slice(0, 64);
  if (name === '') throw new ImportRefused(`'${file}' gives no name for an operator; give one with --name`);
  return name;
}

/** Writes operator.json, with the digests of the files that are there, and says what it lacks. The folder must be new or empty of it. */
export async function writeDraft(folder: string, manifest: Readonly<Record<string, unknown>>, remarks: readonly string[], further: readonly string[] = []): Promise<Draft> {
  const complete = { ...manifest, files: await describeFiles(folder) };
  await writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify(complete, null, 2)}\n`, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new ImportRefused(`there is an ${MANIFEST_FILE} in ${folder} already; choose another folder`);
    throw error;
  });
  const missing = manifestProblems(complete).map((problem) => {
    const hint = HINTS.find(([pattern]) => pattern.test(problem))?.[1];
    return hint === undefined ? problem : `${problem}: ${hint}`;
  });
  return { folder, manifest: complete, missing: [...missing, ...further], remarks };
}

/** Throws ImportRefused rather than writing among what is there. */
export async function newFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: false }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new ImportRefused(`${folder} is there already; choose a new folder with --output`);
    if (error.code === 'ENOENT') throw new ImportRefused(`the folder in which ${folder} should be made does not exist`);
    throw error;
  });
}
