/** Which files of a folder make the package, and their digests. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileDigest } from '../../storage/file-digest.ts';
import { isPackagePath } from '../manifest-fields.ts';
import { MANIFEST_FILE, OperatorPackageInvalid } from '../manifest.ts';
import type { OperatorManifest, PackageFile } from '../operator.ts';

/** What lies beside a package while it is worked on. 'train' holds the code that made the model. */
const LEFT_OUT = new Set([MANIFEST_FILE, 'train', 'node_modules', '__pycache__', 'venv']);
const ROLES: readonly [RegExp, string][] = [
  [/\.onnx$|\.pt$|\.pth$|\.safetensors$|\.bin$/, 'model'], [/^golden.*\.json$/, 'golden'], [/^licen[cs]e/i, 'license'],
  [/^card\.md$|^readme\.md$/i, 'card'], [/^report\.json$/, 'report'], [/\.(py|mjs|js|ts|sh|ipynb)$/, 'source'],
];

export interface FoundFile {
  /** Relative to the folder, with '/'. */
  readonly path: string;
  readonly size: number;
  readonly isExecutable: boolean;
}

/** All plain files below a folder that belong to a package, in the order of their paths. Throws OperatorPackageInvalid for links and odd names. */
export async function findFiles(folder: string, below = ''): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  for (const name of (await readdir(join(folder, below))).toSorted()) {
    if (name.startsWith('.') || (LEFT_OUT.has(name) && (below === '' || name === '__pycache__'))) continue;
    const path = below === '' ? name : `${below}/${name}`;
    if (!isPackagePath(path)) throw new OperatorPackageInvalid(path, ["is no name for a file of a package: letters, digits and ._@+- make a name"]);
    const entry = await lstat(join(folder, path));
    if (entry.isDirectory()) found.push(...await findFiles(folder, path));
    else if (entry.isFile()) found.push({ path, size: entry.size, isExecutable: (entry.mode & 0o100) !== 0 });
    else throw new OperatorPackageInvalid(path, ['is a link or something else that is no plain file; put the file itself there']);
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The `files` of a manifest: what is in the folder, with digests and what each seems to be for. */
export async function describeFiles(folder: string): Promise<Readonly<Record<string, PackageFile>>> {
  const described: Record<string, PackageFile> = {};
  for (const { path, size } of await findFiles(folder)) {
    const role = ROLES.find(([pattern]) => pattern.test(path))?.[1];
    described[path] = { sha256: await fileDigest(join(folder, path)), size, ...(role && { role }) };
  }
  return described;
}

/** The files that go into the archive: those that the manifest lists, else what lies in the folder. Throws OperatorPackageInvalid. */
export async function filesToPack(folder: string, manifest: OperatorManifest): Promise<readonly FoundFile[]> {
  const found = await findFiles(folder);
  if (!manifest.files) return found;
  const { files } = manifest;
  const problems = [
    ...found.filter(({ path }) => !Object.hasOwn(files, path)).map(({ path }) => `files lacks '${path}'`),
    ...Object.keys(files).filter((path) => !found.some((file) => file.path === path)).map((path) => `files names '${path}', which is not there`),
  ];
  if (problems.length > 0) throw new OperatorPackageInvalid(MANIFEST_FILE, [...problems, '`lamina operator pack --update` writes the list anew']);
  return found;
}
