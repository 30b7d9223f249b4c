/**
 * What C3, CLAIMED's compiler, makes for running without containers, as a package of the kind 'exec': 'claimed-<name>:<version>.zip', or the
 * folder 'claimed-<name>.<version>' that it is unpacked to. It holds runnable.py and a virtual environment, 'claimedenv', which works only where it was
 * made: its scripts have absolute paths. So the interpreter stays behind, and the installed packages come along, as `--vendor` would install them.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isPackagePath } from '../manifest-fields.ts';
import { isVersion } from '../registry/versions.ts';
import { usualLimits, type UnpackLimits } from '../package/unpack.ts';
import { openBundle, type BundleFile } from './bundle-files.ts';
import { ImportRefused, operatorNameOf, type Draft } from './draft.ts';
import { draftOfSource, LARGEST_SOURCE } from './import-script.ts';

export interface BundleOptions {
  /** Absent: after the file. */
  readonly name?: string;
  /** Absent: after the file, with zeros where it is no whole semantic version. */
  readonly version?: string;
  readonly limits?: UnpackLimits;
}

const RUNNABLE = 'runnable.py';
const PACKAGES = /^claimedenv\/(lib|lib64)\/python(\d+\.\d+)\/site-packages\/(.+)$/;
/** What every virtual environment has, what Python writes by itself, and what works in one only. */
const LEFT_BEHIND = /^(pip|setuptools|wheel|pkg_resources|_distutils_hack)(-[^/]*\.dist-info|\.egg-info)?(\/|$)|(^|\/)__pycache__\/|\.py[co]$|^[^/]*\.pth$|(^|\/)\./;

/** 'claimed-ai-compressor:0.1.zip' → ai-compressor, 0.1.0. The version is null where the name has none. Throws ImportRefused. */
export function identityOf(file: string): { readonly name: string; readonly version: string | null } {
  const [, name, tag] = /^(?:claimed-)?(.+?)(?:[:.](\d+(?:\.\d+)*(?:-[\w.]+)?|latest))?$/i.exec(file.replace(/\.zip$/i, '')) ?? [];
  const [numbers = '', ...suffix] = (tag ?? '').split('-');
  const whole = [...numbers.split('.'), '0', '0'].slice(0, 3).map((number) => String(Number(number))).join('.');
  const version = suffix.length > 0 ? `${whole}-${suffix.join('-')}` : whole;
  return { name: operatorNameOf(`${name ?? ''}.`), version: /^\d/.test(numbers) && isVersion(version) ? version : null };
}

/** Makes the package in the new folder `to`. Throws ImportRefused for what is no such archive, and for archives that are not harmless: links, too many or too large files. */
export async function importClaimedBundle(path: string, to: string, options: BundleOptions = {}): Promise<Draft> {
  const shown = basename(path);
  const identity = identityOf(shown);
  const bundle = await openBundle(path);
  try {
    const { runnable, packages, others, python } = sorted(bundle.files, shown);
    check([runnable, ...packages.values()], options.limits ?? usualLimits, shown);
    const source = (await textOf(runnable, shown)).replaceAll('\r\n', '\n');
    return await draftOfSource({
      source, from: shown, name: options.name ?? identity.name, version: options.version ?? identity.version ?? '0.1.0',
      add: async (folder) => {
        for (const [name, file] of packages) await write(file, join(folder, 'lib', name), shown);
        return { remarks: remarksOf(packages.size, python, others), hasPackages: packages.size > 0 };
      },
    }, to);
  } finally {
    bundle.close();
  }
}

interface Sorted {
  readonly runnable: BundleFile;
  /** By their path below site-packages. */
  readonly packages: ReadonlyMap<string, BundleFile>;
  /** Files of the packages whose names can't be in a package of Lamina. */
  readonly others: readonly string[];
  /** '3.11'; null: there is no environment. */
  readonly python: string | null;
}

/** Everything may lie in one folder, as it does where a folder was zipped. */
function sorted(files: readonly BundleFile[], shown: string): Sorted {
  const runnable = files.filter(({ path }) => path === RUNNABLE || path.split('/').slice(1).join('/') === RUNNABLE).toSorted((a, b) => a.path.length - b.path.length)[0];
  if (!runnable) throw new ImportRefused(`${shown} has no ${RUNNABLE}, so CLAIMED did not make it`);
  const root = runnable.path.slice(0, -RUNNABLE.length);
  const packages = new Map<string, BundleFile>();
  const others: string[] = [];
  let python: string | null = null;
  for (const file of files) {
    const [, library, version, name] = (file.path.startsWith(root) ? PACKAGES.exec(file.path.slice(root.length)) : null) ?? [];
    if (name === undefined || LEFT_BEHIND.test(name)) continue;
    python ??= version!;
    // lib64 is lib once more, where links were followed.
    if (packages.has(name) && library === 'lib64') continue;
    if (packages.get(name)?.path === file.path) throw new ImportRefused(`${shown}: '${file.path}' is in it twice`);
    if (isPackagePath(`lib/${name}`)) packages.set(name, file);
    else others.push(name);
  }
  return { runnable, packages, others, python };
}

/** What it says of itself is enough here: reading stops where there is more. */
function check(files: readonly BundleFile[], { bytes, files: most }: UnpackLimits, shown: string): void {
  const link = files.find(({ isPlain }) => !isPlain);
  if (link) throw new ImportRefused(`${shown}: '${link.path}' is a link or a device, and packages hold only plain files`);
  if (files.length > most) throw new ImportRefused(`${shown} has ${files.length} files of packages, and ${most} is the most; make an image of it`);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > bytes) throw new ImportRefused(`${shown} unpacks to ${size} bytes, and ${bytes} is the most`);
}

async function textOf(file: BundleFile, shown: string): Promise<string> {
  if (file.size > LARGEST_SOURCE) throw new ImportRefused(`${shown}: ${RUNNABLE} has ${file.size} bytes, and ${LARGEST_SOURCE} is the most`);
  return reading(file, shown, async () => Buffer.concat(await Array.fromAsync(await file.open()) as Uint8Array[]).toString('utf8'));
}

/** 'wx', because on a file system that does not tell upper from lower case two names may be one file. */
async function write(file: BundleFile, path: string, shown: string): Promise<void> {
  await reading(file, shown, async () => {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await file.open(), createWriteStream(path, { flags: 'wx' }));
  });
}

async function reading<T>(file: BundleFile, shown: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ImportRefused) throw error;
    throw new ImportRefused(`${shown}: '${file.path}' can't be unpacked: ${(error as Error).message.replaceAll(dirname(file.path), '')}`, { cause: error });
  }
}

function remarksOf(packages: number, python: string | null, others: readonly string[]): string[] {
  return [
    'claimedenv has the paths of the machine it was made on, so its Python stays behind; the operator runs with the python3 of the place where it runs',
    ...(packages > 0 ? [`its packages (${packages} files, in lib/) were installed for Python ${python!}: compiled ones load with no other version`] : ['claimedenv holds no packages: C3 makes it also when installing them fails']),
    ...(others.length > 0 ? [`${others.length} files of packages have names that can't be in a package and are left out: ${others.slice(0, 5).join(', ')}`] : []),
  ];
}
