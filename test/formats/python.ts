/** The Python readers that files are checked with; where they are absent, tests are skipped and say so. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const candidates = [process.env['LAMINA_PYTHON'], '/opt/lamina-venv/bin/python', 'python3'].filter((path) => path !== undefined);

/** A Python that has the modules, or why there is none. */
export function findPython(modules: readonly string[]): { readonly path: string } | { readonly reason: string } {
  for (const path of candidates) {
    if (path.includes('/') && !existsSync(path)) continue;
    try {
      execFileSync(path, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
      return { path };
    } catch {
      // The next one may have them.
    }
  }
  return { reason: `no Python with ${modules.join(', ')} (see test/clients/requirements.txt)` };
}

/** Runs a script with arguments and parses the JSON that it prints. NaN is printed as null by `clean`. */
export function runPython(path: string, script: string, ...args: string[]): unknown {
  return JSON.parse(execFileSync(path, ['-c', `${PRELUDE}\n${script}`, ...args], { encoding: 'utf8', maxBuffer: 1e9 }));
}

const PRELUDE = `
import json, sys, warnings
import numpy as np
warnings.simplefilter('error', UserWarning)
def clean(values):
    flat = np.asarray(values, dtype='float64').ravel()
    return [None if np.isnan(v) else float(v) for v in flat]
`;
