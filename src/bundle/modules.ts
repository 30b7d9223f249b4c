/**
 * Which files of Lamina a program of it needs: its own modules, found by following what they import, and the packages from npm
 * behind them. Modules are read as text; the style of this repository keeps to the few ways of naming another module that are known here.
 */
import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';

export interface Modules {
  /** Paths relative to the root, with '/', in alphabetical order. */
  readonly files: readonly string[];
  /** Names of the packages that they import. */
  readonly packages: readonly string[];
}

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`; not those of types, which vanish before a module runs. */
const STATIC = /^(?:import|export)\s+(?!type\b)(?:[^;']*?\bfrom\s*)?'([^']+)'/gm;
/** `import('x')`, and files that are named from where a module lies: threads, programs. */
const DYNAMIC = /\bimport\('([^']+)'\)|new URL\('(\.[^']+)', import\.meta\.url\)/g;

/** All modules that the entries reach. Throws what reading them throws. */
export async function modulesOf(root: string, entries: readonly string[]): Promise<Modules> {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = entries.map((entry) => resolve(root, entry));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const name = relative(root, path);
    if (files.has(name)) continue;
    files.add(name);
    if (!path.endsWith('.ts')) continue;
    for (const specifier of namedBy(await readFile(path, 'utf8'))) {
      if (specifier.startsWith('.')) waiting.push(resolve(dirname(path), specifier));
      else if (!specifier.startsWith('node:')) packages.add(packageOf(specifier));
    }
  }
  return { files: [...files].toSorted(), packages: [...packages].toSorted() };
}

function namedBy(source: string): string[] {
  return [...source.matchAll(STATIC), ...source.matchAll(DYNAMIC)].map(([, first, second]) => (first ?? second)!);
}

function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
