/** An ONNX file as a package of the kind 'onnx': described by an MLM item or by settings, adapted where it must be, and tried. */
import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { isPackagePath } from '../manifest-fields.ts';
import { decodeNpy } from '../npy.ts';
import { goldenInput, type Golden, type GoldenCase } from '../package/golden.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { tablesOf, type Tables } from './calibrate.ts';
import { ImportRefused, newFolder, operatorNameOf, writeDraft, type Draft } from './draft.ts';
import { factsOfItem, factsOfSettings, type ModelFacts } from './model-facts.ts';
import { adaptOnnx, EMBEDDING, PIXELS, type Adaptation } from './onnx-adapter.ts';
import { planAdaptation, type ModelChoices } from './model-plan.ts';
import { describeOnnx, type OnnxDescription, type OnnxValue } from './onnx-file.ts';
import { geometryOf, looksFurther, TrialModel } from './trial.ts';

export interface ModelOptions extends ModelChoices {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  /** Path of a STAC item with the MLM extension. */
  readonly item?: string;
  /** Path of settings (YAML or JSON) of TerraTorch or Clay, and which of Clay's sensors. */
  readonly settings?: string;
  readonly sensor?: string;
  /** Path of samples, .npy, [n, bands, rows, columns]: ranges and directions of the vectors are computed from them. */
  readonly samples?: string;
}

const MODEL = 'model.onnx';
const TOLERANCE = 1e-4;
/** Of an image on which a model is tried that says nothing of sizes. */
const TRIAL_EDGE = 64;

/**
 * Makes the package of a model in the new folder `to`. Throws ImportRefused, saying why, for files that are no models, don't load,
 * don't run, or give what can't be made an embedding.
 */
export async function importModel(file: string, to: string, options: ModelOptions = {}): Promise<Draft> {
  const described = await describe(file);
  const facts = await readFacts(options);
  const { plan, bands, remarks } = await refusing(async () => planAdaptation(await withLearntOutputs(file, described, facts, options), facts, options));
  await newFolder(to);
  try {
    await copyWeights(file, to, described);
    await writeFile(join(to, MODEL), plan.isNeeded ? adaptOnnx(await readFile(file), plan) : await readFile(file));
    const names = plan.isNeeded ? { input: PIXELS, output: EMBEDDING } : { input: plan.input.name, output: plan.output.name };
    const tried = await tryModel(join(to, MODEL), plan, names, options.samples);
    if (tried.golden) await writeFile(join(to, 'golden.json'), `${JSON.stringify(tried.golden, null, 1)}\n`);
    const gsd = options.gsd ?? facts.gsd;
    const name = options.name ?? facts.name ?? operatorNameOf(basename(file));
    return await writeDraft(to, {
      name, version: options.version ?? facts.version ?? '0.1.0', title: facts.title ?? name, description: facts.description ?? `Imported from ${basename(file)}.`,
      ...(options.license ?? facts.license ? { license: options.license ?? facts.license } : {}),
      kind: 'onnx', model: { file: MODEL, sha256: await fileDigest(join(to, MODEL)), opset: described.opset, ...names },
      ...(bands && gsd !== undefined && { input: { bands, fill: 0, gsd, gsd_range: [gsd / 2, gsd * 2] } }),
      ...tried.geometry, output: { dimensions: plan.dimensions, prefix_truncatable: false }, min_valid: 0.5,
      ...tried.tables, ...(tried.golden && { golden: 'golden.json' }),
    }, [...facts.remarks, ...remarks, ...tried.remarks, ...assumptions(bands !== null && gsd === undefined)], bands ? [] : ['input.bands is missing: which bands, in the order of the channels']);
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error instanceof RangeError ? new ImportRefused(`${basename(file)}: ${error.message}`, { cause: error }) : error;
  }
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof RangeError ? new ImportRefused(error.message, { cause: error }) : error;
  }
}

async function describe(file: string): Promise<OnnxDescription> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new ImportRefused(`${basename(file)} can't be read (${error.code})`, { cause: error });
  });
  try {
    return describeOnnx(bytes);
  } catch (error) {
    throw new ImportRefused(`${basename(file)} is no ONNX model (${(error as Error).message})`, { cause: error });
  }
}

/** Exporters often lose the sizes of outputs; then they are learnt from running the model on one chip. */
async function withLearntOutputs(file: string, described: OnnxDescription, facts: ModelFacts, { bands, chip }: ModelOptions): Promise<OnnxDescription> {
  const input = described.inputs.find(({ shape, name }) => shape.length === 4 && (facts.input === undefined || name === facts.input)) ?? described.inputs.find(({ shape }) => shape.length === 4);
  const isKnown = ({ shape }: OnnxValue) => (shape.length === 4 ? shape[1] !== null : shape.length > 1 && !shape.slice(1).includes(null));
  if (!input || described.outputs.every(isKnown)) return described;
  const edge = input.shape[2] ?? chip ?? facts.chip ?? TRIAL_EDGE;
  const count = input.shape[1] ?? bands?.length ?? facts.bands?.length ?? 1;
  const further = described.inputs.filter((other) => other !== input).map(({ name, shape }): [string, { data: Float32Array; shape: number[] }] => {
    const sizes = shape.map((size) => size ?? 1);
    return [name, { data: new Float32Array(sizes.reduce((a, b) => a * b, 1)), shape: sizes }];
  });
  const outputs = await Promise.all(described.outputs.map(async (output) => {
    if (isKnown(output)) return output;
    const model = await TrialModel.open(file, { input: input.name, output: output.name, bands: count });
    try {
      const { shape } = await model.run(new Float32Array(count * edge * edge), edge, edge, Object.fromEntries(further));
      return { ...output, shape: [null, ...shape.slice(1, 2), ...shape.slice(2).map((size) => (shape.length === 4 ? null : size))] };
    } finally {
      await model.close();
    }
  }));
  return { ...described, outputs };
}

/** The item goes before the settings. */
async function readFacts({ item, settings, sensor }: ModelOptions): Promise<ModelFacts> {
  const read = async (path: string, understand: (text: string) => ModelFacts) => {
    try {
      return understand(await readFile(path, 'utf8'));
    } catch (error) {
      throw new ImportRefused(`${basename(path)}: ${(error as Error).message}`, { cause: error });
    }
  };
  const facts = await Promise.all([
    ...(settings === undefined ? [] : [read(settings, (text) => factsOfSettings(settings.endsWith('.json') ? JSON.parse(text) : parseYaml(text, { logLevel: 'error' }), sensor))]),
    ...(item === undefined ? [] : [read(item, (text) => factsOfItem(JSON.parse(text)))]),
  ]);
  return Object.assign({}, ...facts, { remarks: facts.flatMap(({ remarks }) => remarks) }) as ModelFacts;
}

/** Weights beside the model go along; a path that leads elsewhere is refused before anything reads it. */
async function copyWeights(file: string, to: string, { weights }: OnnxDescription): Promise<void> {
  for (const path of weights) {
    if (!isPackagePath(path) || path.includes('/')) throw new ImportRefused(`the model keeps weights in '${path.slice(0, 100)}'; they must lie beside it, or in it`);
    const from = join(dirname(file), path);
    if (!(await stat(from).catch(() => null))?.isFile()) throw new ImportRefused(`the model keeps weights in '${path}', which is not beside it`);
    await copyFile(from, join(to, path));
  }
}

interface Tried {
  readonly geometry: { readonly patch: number; readonly halo: number } | null;
  readonly golden: Golden | null;
  readonly tables: Tables | null;
  readonly remarks: readonly string[];
}

/** Runs the package's model as an operator is run. Throws RangeError when it does not do what an operator does. */
async function tryModel(path: string, plan: Adaptation, names: { readonly input: string; readonly output: string }, samples?: string): Promise<Tried> {
  const model = await TrialModel.open(path, { ...names, bands: plan.bands });
  try {
    const geometry = plan.chip === null ? await geometryOf(model) : { patch: plan.chip, halo: 0 };
    if (!geometry) return { geometry: null, golden: null, tables: null, remarks: ['patch and halo could not be found out: the number of its vectors follows no rule n · patch + 2 · halo'] };
    const remarks = plan.chip === null && await looksFurther(model, geometry)
      ? [`vectors depend on pixels beyond a patch of ${geometry.patch} and a halo of ${geometry.halo}: blocks would have seams. Export it without padding ('valid' convolutions), or state a larger halo`] : [];
    return { geometry, golden: await goldenOf(model, plan, geometry), tables: samples === undefined ? null : await tablesFrom(model, samples, plan), remarks };
  } finally {
    await model.close();
  }
}

/** Two sizes; what the model gives now is what it must give wherever it runs. */
async function goldenOf(model: TrialModel, plan: Adaptation, { patch, halo }: { readonly patch: number; readonly halo: number }): Promise<Golden> {
  const cases: GoldenCase[] = [];
  for (const [seed, down, across] of [[1, 1, 1], [2, 1, 2]] as const) {
    const [rows, columns] = [down * patch + 2 * halo, across * patch + 2 * halo];
    const { data, shape } = await model.run(goldenInput(plan.bands * rows * columns, { seed, low: 200, high: 3000 }), rows, columns);
    const wanted = [1, plan.dimensions, down, across];
    if (String(shape) !== String(wanted)) throw new RangeError(`the model gives [${shape.join(', ')}] for ${rows} × ${columns} pixels, and an operator gives [${wanted.join(', ')}]`);
    if (!data.every(Number.isFinite)) throw new RangeError('the model gives NaN or infinity');
    cases.push({ rows, columns, seed, low: 200, high: 3000, shape: wanted.slice(1), expected: Array.from(data, (v) => Number(v.toPrecision(8))) });
  }
  const largest = Math.max(1, ...cases.flatMap(({ expected }) => expected.map(Math.abs)));
  return {
    generator: 'state = (state * 1664525 + 1013904223) mod 2^32, starting from seed; value = low + floor(state * (high - low) / 2^32); row-major [band, row, column]',
    tolerance: TOLERANCE * largest, cases,
  };
}

async function tablesFrom(model: TrialModel, path: string, { bands, dimensions }: Adaptation): Promise<Tables> {
  const { shape: [n, found, rows, columns], data } = decodeNpy(await readFile(path));
  if (columns === undefined || found !== bands) throw new RangeError(`the samples must be [n, ${bands}, rows, columns]`);
  const vectors: Float32Array[] = [];
  for (let i = 0; i < n!; i++) {
    const { data: out } = await model.run(data.slice(i * bands * rows! * columns, (i + 1) * bands * rows! * columns), rows!, columns);
    const cells = out.length / dimensions;
    for (let cell = 0; cell < cells; cell++) vectors.push(Float32Array.from({ length: dimensions }, (_, d) => out[d * cells + cell]!));
  }
  return tablesOf(vectors);
}

function assumptions(lacksResolution: boolean): string[] {
  return [
    "assumed: pixels without data become 0 (input.fill), a patch needs half of its pixels (min_valid), the first dimensions can't stand alone (output.prefix_truncatable)",
    "golden.json holds what this model gives; compare it once with what the framework gave that it comes from",
    ...(lacksResolution ? ['input.gsd is not known; give the resolution that the model was trained for with --gsd'] : []),
  ];
}
