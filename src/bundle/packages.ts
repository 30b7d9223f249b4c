/** Packages from npm with all that they need, as far as they are installed here: another machine of the same kind can use the copy. */
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** What only the installation of a package needs, and not its use. */
const INSTALL_ONLY: Readonly<Record<string, readonly string[]>> = { 'onnxruntime-node': ['adm-zip', 'global-agent'] };

/** No program reads these: descriptions of types, maps for debuggers, tests, and scripts of installations. */
const UNREAD = /\.(d\.[cm]?ts|map|md|markdown|flow|tsbuildinfo)$|^(test|tests|docs|example|examples|benchmark|script)\//;
const LEGAL = /(^|\/)(licen[cs]e|notice|copying)[^/]*$/i;

interface Described {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Paths, relative to the root, of the files of the packages and of those that they depend on. Of ONNX Runtime only what is for this
 * kind of machine. Throws an Error for a package that is not installed.
 */
export async function packageFiles(root: string, names: readonly string[]): Promise<readonly string[]> {
  const folders = new Set<string>();
  const files: string[] = [];
  const waiting = names.map((name) => ({ name, from: join(root, 'package.json'), isOptional: false }));
  for (let wanted = waiting.pop(); wanted !== undefined; wanted = waiting.pop()) {
    const { name, from, isOptional } = wanted;
    const description = descriptionOf(name, from);
    if (description === undefined && isOptional) continue;
    if (description === undefined) throw new Error(`the package '${name}' is not installed here`);
    const folder = dirname(description);
    if (folders.has(folder)) continue;
    folders.add(folder);
    files.push(...(await usedFiles(folder)).map((path) => relative(root, join(folder, path))));
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(await readFile(description, 'utf8')) as Described;
    const needed = Object.keys(dependencies).filter((each) => !INSTALL_ONLY[name]?.includes(each));
    waiting.push(...needed.map((each) => ({ name: each, from: description, isOptional: Object.hasOwn(optionalDependencies, each) })));
    waiting.push(...Object.keys(optionalDependencies).map((each) => ({ name: each, from: description, isOptional: true })));
  }
  return files.toSorted();
}

/** Path of its package.json as somebody there would find it. */
function descriptionOf(name: string, from: string): string | undefined {
  try {
    return findPackageJSON(name, from);
  } catch {
    return undefined;
  }
}

async function usedFiles(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = all.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return paths.filter((path) => !path.startsWith('node_modules/') && (LEGAL.test(path) || !UNREAD.test(path)) && isForThisMachine(path));
}

/** ONNX Runtime brings its libraries for all systems: bin/napi-v6/linux/x64. */
function isForThisMachine(path: string): boolean {
  const [, system, processor] = /^bin\/napi-v\d+\/([^/]+)\/([^/]+)\//.exec(path) ?? [];
  return system === undefined || (system === process.platform && processor === process.arch);
}
