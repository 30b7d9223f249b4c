/** `lamina bundle`: a job that takes everything along. What it makes runs where there is nothing but Node: no network, no registry, no Lamina. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BUNDLE_FILE, INPUTS_FOLDER, OPERATOR_FOLDER, PROGRAM_FOLDER, type BundledInput, type BundleFile } from '../bundle/bundle-file.ts';
import { modulesOf } from '../bundle/modules.ts';
import { packageFiles } from '../bundle/packages.ts';
import { writeBundle, type BundledFile } from '../bundle/write-bundle.ts';
import { RasterCache } from '../formats/cog/raster-cache.ts';
import { epsgCode, WGS84 } from '../geo/crs.ts';
import { MANIFEST_FILE } from '../operators/manifest.ts';
import type { Operator } from '../operators/operator.ts';
import type { RuntimeName } from '../operators/reference.ts';
import { filesToPack } from '../operators/package/package-files.ts';
import { quantizationOf } from '../processes/cubes/embedding-arguments.ts';
import { operatorOf, parseRun, saysRuntime, withParameterFile, type RunCall } from './run.ts';
import { fileDigest } from '../storage/file-digest.ts';

const USAGE = `lamina bundle [RUNTIME/]NAME[:VERSION] --input FILE.tif|FOLDER --output FOLDER|FILE.tar.gz [--PARAMETER VALUE …]
      --component, --runtime, --bands, --quantization, --param, --params
                                   as in \`lamina run\`
      --node FILE                  a Node to take along, for machines that have none: --node "$(command -v node)"
  Start it with \`node run.mjs\` in the folder; --help there says what it takes. It holds inputs and parameters as they are.
`;

const OPTIONS = ['component', 'input', 'output', 'runtime', 'bands', 'quantization', 'param', 'params', 'node'];
const NODE = 24;
const RASTER = /\.tiff?$/i;
const ENTRY = 'src/commands/bundle-program.ts';

/** Writes the bundle and says how large it is. Throws an Error with one line. */
export async function bundleCommand(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  if (words.length === 0 || words.includes('--help')) return void process.stdout.write(USAGE);
  const call = await withParameterFile(parseRun(words, OPTIONS));
  const { input, output } = call.options;
  if (input === undefined || output === undefined) throw new Error(`--${input === undefined ? 'input' : 'output'} is missing`);
  const operator = await operatorOf(call, environment);
  refuseUnfit(operator);
  const inputs = await inputsAt(input);
  const draft = await mkdtemp(join(tmpdir(), 'lamina-bundle-'));
  try {
    await writeFile(join(draft, BUNDLE_FILE), `${JSON.stringify(await describe(call, operator, inputs), null, 2)}\n`);
    const { files, bytes } = await writeBundle([
      { name: 'run.mjs', path: fileURLToPath(new URL('../../bin/bundle.mjs', import.meta.url)), isExecutable: true },
      { name: BUNDLE_FILE, path: join(draft, BUNDLE_FILE) },
      ...await nodeFile(call.options.node), ...await operatorFiles(operator), ...inputs.map((path) => ({ name: `${INPUTS_FOLDER}/${basename(path)}`, path })), ...await programFiles(await systemsOf(inputs)),
    ], output);
    process.stdout.write(`${output}: ${files} files, ${Math.ceil(bytes / 1e6)} MB; start it with ${call.options.node === undefined ? 'node' : './node'} run.mjs\n`);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What can't be taken along, or makes no sense on a node. */
function refuseUnfit({ manifest, runtime }: Operator): void {
  if (manifest.kind === 'image') throw new Error(`'${manifest.name}' is a container image: let the nodes pull ${manifest.image}; models and programs go into bundles`);
  if (runtime.includes('+')) throw new Error(`a bundle is what runs on the node: write ${runtime.split('+')[1]} instead of ${runtime}, and submit \`node run.mjs\``);
}

/** A file, or the GeoTIFF files of a folder. */
async function inputsAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new Error(`${path} is not there`);
  if (found.isFile()) return [path];
  const names = (await readdir(path)).filter((name) => RASTER.test(name)).toSorted();
  if (names.length === 0) throw new Error(`${path} has no GeoTIFF files`);
  const twice = names.find((name, i) => names.some((other, j) => j < i && outputOf(other) === outputOf(name)));
  if (twice !== undefined) throw new Error(`${twice} and another file of ${path} would have results of the same name: rename one`);
  return names.map((name) => join(path, name));
}

const outputOf = (path: string) => `${basename(path, extname(path))}.tif`;

async function describe(call: RunCall, operator: Operator, inputs: readonly string[]): Promise<BundleFile> {
  const { options } = call;
  const { manifest: { name, version }, digest, runtime, params, isolated } = operator;
  const { version: lamina } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  // Checked here, where somebody can still correct it.
  const quantization = quantizationOf(options.quantization === undefined ? {} : { quantization: options.quantization }, 'compress_embed', 'float32');
  return {
    format: 'lamina-bundle/1', lamina, machine: { node: NODE, platform: process.platform, arch: process.arch },
    operator: { name, version, digest, runtime: saysRuntime(call) ? runtime as RuntimeName : null, params, ...(isolated === undefined ? {} : { isolated }) }, bands: options.bands ?? null, quantization,
    inputs: await Promise.all(inputs.map(async (path): Promise<BundledInput> => ({ file: `${INPUTS_FOLDER}/${basename(path)}`, size: (await stat(path)).size, sha256: await fileDigest(path), output: outputOf(path) }))),
  };
}

async function operatorFiles(operator: Operator): Promise<BundledFile[]> {
  const root = await operator.folder();
  const files = await filesToPack(root, operator.manifest);
  return [{ path: MANIFEST_FILE, isExecutable: false }, ...files].map(({ path, isExecutable }) => ({ name: `${OPERATOR_FOLDER}/${path}`, path: join(root, path), isExecutable }));
}

/** EPSG numbers of the files' reference systems. Throws an Error for a file that could not be embedded on the node either. */
async function systemsOf(inputs: readonly string[]): Promise<readonly number[]> {
  const rasters = new RasterCache({ blockBytes: 1 });
  try {
    const codes = await Promise.all(inputs.map(async (path) => {
      const { grid, gridProblem } = await rasters.open(resolve(path));
      if (grid === null) throw new Error(`${path} can't be embedded: ${gridProblem ?? 'it has no place on Earth'}`);
      return epsgCode(grid.crs) ?? [];
    }));
    return codes.flat();
  } finally {
    await rasters.close();
  }
}

/** The table of reference systems has a file for each, eight thousand in all: only those that are met go along. */
const TABLE = 'node_modules/epsg-index';

/** Of Lamina what the program reaches, and no more: neither the service nor the clients of its stores. */
async function programFiles(systems: readonly number[]): Promise<BundledFile[]> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { files, packages } = await modulesOf(root, [ENTRY]);
  const table = ['package.json', 'license.md', ...[epsgCode(WGS84)!, ...systems].map((code) => `s/${code}.json`)].map((name) => `${TABLE}/${name}`);
  const all = [...new Set(['package.json', 'LICENSE', 'NOTICE', ...files, ...await packageFiles(root, packages), ...table])];
  const there = await Promise.all(all.map(async (path) => (path === 'NOTICE' && !(await stat(join(root, path)).catch(() => null)) ? [] : [path])));
  return there.flat().map((path) => ({ name: `${PROGRAM_FOLDER}/${path}`, path: join(root, path) }));
}

async function nodeFile(path: string | undefined): Promise<BundledFile[]> {
  if (path === undefined) return [];
  const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 }).catch((error: Error) => {
    throw new Error(`--node ${path} can't be started: ${error.message.split('\n')[0]}`, { cause: error });
  });
  const major = Number(/^v(\d+)\./.exec(stdout)?.[1]);
  if (!(major >= NODE)) throw new Error(`--node ${path} is ${stdout.trim()}, and a bundle needs Node ${NODE} or newer`);
  return [{ name: 'node', path, isExecutable: true }];
}
