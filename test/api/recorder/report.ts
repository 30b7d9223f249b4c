/** Gathers over a whole run of the tests which operations of openEO were asked, and prints it at the end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-exchanges-'));
  const file = join(folder, 'exchanges');
  writeFileSync(file, '');
  project.provide('exchanges', file);
  return () => {
    const lines = [...new Set(readFileSync(file, 'utf8').split('\n'))].filter((line) => line !== '');
    rmSync(folder, { recursive: true });
    if (lines.length > 0) process.stdout.write(table(lines));
  };
}

/** One line for each operation with the status codes of both versions. */
function table(lines: readonly string[]): string {
  const operations = new Map<string, Map<string, string[]>>();
  for (const line of lines.toSorted()) {
    const [version, method, path, status] = line.split(' ') as [string, string, string, string];
    const key = `${path} ${method.toUpperCase()}`;
    const versions = operations.get(key) ?? operations.set(key, new Map()).get(key)!;
    versions.set(version, [...versions.get(version) ?? [], status]);
  }
  const rows = [...operations].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([operation, versions]) => `  ${operation}: ${[...versions].map(([version, statuses]) => `${version} ${statuses.join(' ')}`).join(' | ')}\n`);
  return `\nopenEO exchanges that were validated, by operation, version and status (${operations.size} operations)\n${rows.join('')}`;
}
