/** The fields of operator.json and what they must hold, as data. manifest.ts applies them; docs/schemas/operator.schema.json says the same. */
import { parameterProblem } from './params.ts';
import { isOperatorName } from './reference.ts';
import type { OperatorManifest, OperatorParameter } from './operator.ts';

/** Says what is wrong with a value, e.g. 'must be a string', or null. */
type Check = (value: unknown) => string | null;

/** A field's check, or the fields below it. A key that ends in '?' may be absent. */
export interface Fields {
  readonly [key: string]: Check | Fields;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Beyond these a manifest says something that no machine could hold. */
const [MAX_BANDS, MAX_PARAMETERS, MAX_FILES, MAX_PATCH, MAX_DIMENSIONS] = [1024, 256, 10_000, 4096, 65_536];

const text: Check = (v) => (typeof v === 'string' && v.length > 0 ? null : 'must be a text that is not empty');
const number: Check = (v) => (isNumber(v) ? null : 'must be a number');
const flag: Check = (v) => (typeof v === 'boolean' ? null : 'must be true or false');

const matching = (pattern: RegExp, what: string): Check => (v) => (typeof v === 'string' && pattern.test(v) ? null : `must be ${what}`);
const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Check => (v) => {
  if (!Number.isSafeInteger(v) || (v as number) < least) return `must be a whole number, ${least} or more`;
  return (v as number) > most ? `must be ${most} at most` : null;
};
const between = (low: number, high: number): Check => (v) => (isNumber(v) && v >= low && v <= high ? null : `must be a number from ${low} to ${high}`);
const fileName = matching(/^[\w-][\w.-]*$/, 'the name of a file in the same folder');
const sha256 = matching(/^[0-9a-f]{64}$/, '64 hexadecimal digits');

const numbers: Check = (v) => (Array.isArray(v) && v.length > 0 && v.every(isNumber) ? null : 'must be an array of numbers');
const positiveNumbers: Check = (v) => numbers(v) ?? ((v as number[]).every((n) => n > 0) ? null : 'must hold numbers above 0');
const rising: Check = (v) => numbers(v) ?? ((v as number[]).length === 2 && (v as number[])[0]! <= (v as number[])[1]! ? null : 'must be two numbers, the smaller first');

const rows: Check = (v) => (Array.isArray(v) && v.every((row) => numbers(row) === null) ? null : 'must be an array of arrays of numbers');

const bandFields: Fields = { name: text, 'common_name?': text, 'center_wavelength?': between(0.1, 1e6) };

/** An array of at most `most` objects with these fields, each with a name of its own. */
const named = (fields: Fields, what: string, most: number, problem: (entry: Record<string, unknown>) => string | null = () => null): Check => (v) => {
  if (!Array.isArray(v)) return `must be an array of ${what}s`;
  if (v.length > most) return `must hold ${most} ${what}s at most`;
  const [first] = v.flatMap((entry: unknown, i) => {
    const found = problemsOf(entry, fields, `[${i}]`);
    const more = found.length === 0 ? problem(entry as Record<string, unknown>) : null;
    return more === null ? found : [`[${i}] ${more}`];
  });
  if (first) return `is wrong at ${first}`;
  return new Set(v.map((entry: { name: string }) => entry.name)).size === v.length ? null : `must not name a ${what} twice`;
};

const bandList = named(bandFields, 'band', MAX_BANDS);
const bands: Check = (v) => (Array.isArray(v) && v.length === 0 ? 'must be an array of bands' : bandList(v));

/** What programs, shells and schedulers read themselves: a parameter of that name would reach further than the operator. */
const RESERVED = new RegExp(`^(${[
  'INPUT_PATH|OUTPUT_PATH|OPERATOR_PARAMS|OPERATOR_RUN|PATH|HOME|PWD|SHELL|SHELLOPTS|USER|LOGNAME|IFS|ENV|PS4|TMPDIR|LANG|GLIBC_TUNABLES',
  '(LC|LD|ORT|DYLD|NODE|BASH|LAMINA|AWS|SLURM|SBATCH|PBS|GIT|SSL|OMP|CUDA|XDG|DOCKER|CONTAINERS)_.*|(PYTHON|PERL5|RUBY).*',
].join('|')})$`);

/** What is wrong with a name for a parameter; null for nothing. */
export const parameterNameProblem: Check = (v) => {
  if (typeof v !== 'string' || !/^[A-Za-z_]\w{0,63}$/.test(v)) return 'must be letters, digits and _, not beginning with a digit, at most 64';
  return RESERVED.test(v) ? 'is a variable that other programs read; choose another name' : null;
};

const types = ['string', 'integer', 'number', 'boolean', 'array'];
const scalars = matching(/^(string|integer|number|boolean)$/, "'string', 'integer', 'number' or 'boolean'");
const anything: Check = () => null;

const parameterFields: Fields = {
  name: parameterNameProblem,
  description: text,
  type: matching(new RegExp(`^(${types.join('|')})$`), `one of ${types.join(', ')}`),
  'items?': scalars,
  'enum?': (v) => (Array.isArray(v) && v.length > 0 ? null : 'must be an array of values'),
  'minimum?': number,
  'maximum?': number,
  'unit?': text,
  'default?': anything,
};

/** What one field of a parameter says against another. */
function parameterConflict(entry: Record<string, unknown>): string | null {
  const parameter = entry as unknown as OperatorParameter;
  const numeric = [parameter.type, parameter.items].some((type) => type === 'integer' || type === 'number');
  if (parameter.items !== undefined && parameter.type !== 'array') return "has 'items', which only arrays have";
  if (!numeric && (parameter.minimum !== undefined || parameter.maximum !== undefined)) return 'has a range, which only numbers have';
  if (parameter.minimum !== undefined && parameter.maximum !== undefined && parameter.minimum > parameter.maximum) return 'has a minimum above its maximum';
  const entryType = parameter.type === 'array' ? parameter.items ?? 'string' : parameter.type;
  const wrong = parameter.enum?.find((value) => parameterProblem({ type: entryType }, value) !== null);
  if (wrong !== undefined) return `has ${JSON.stringify(wrong)} in its enum, which is no ${entryType}`;
  const problem = parameter.default === undefined || parameter.default === null ? null : parameterProblem(parameter, parameter.default);
  return problem === null ? null : `has a default that does not fit: it ${problem}`;
}

/** 'weights/model.bin': no hidden or upward segments, nothing that a shell or an archive could read in another way. */
export function isPackagePath(path: string): boolean {
  return path.length <= 200 && path.split('/').every((segment) => /^[\w@+-][\w.@+-]*$/.test(segment));
}

const fileFields: Fields = { sha256, size: wholeNumber(0), 'role?': text };

const packageFiles: Check = (v) => {
  if (!isRecord(v)) return 'must be an object of files by their paths';
  const paths = Object.keys(v);
  if (paths.length > MAX_FILES) return `must name ${MAX_FILES} files at most`;
  const odd = paths.find((path) => !isPackagePath(path) || path === 'operator.json');
  if (odd !== undefined) return `names '${odd.slice(0, 80)}', which is no path of a file beside operator.json`;
  const [first] = paths.flatMap((path) => problemsOf(v[path], fileFields, `['${path}']`));
  return first ? `is wrong at ${first}` : null;
};

const words: Check = (v) => (Array.isArray(v) && v.length > 0 && v.every((word) => typeof word === 'string' && word !== '' && !word.includes('\0')) ? null : 'must be an array of texts, the program first');

const commonFields: Fields = {
  'namespace?': (v) => (typeof v === 'string' && isOperatorName(v) ? null : 'must be lower-case letters, digits, - and _, beginning with a letter, and no runtime'),
  name: matching(/^[a-z][a-z0-9_-]{0,63}$/, 'lower-case letters, digits, - and _, beginning with a letter'),
  version: matching(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/, 'a version such as 1.2.3'),
  title: text,
  description: text,
  license: text,
  'params?': named(parameterFields, 'parameter', MAX_PARAMETERS, parameterConflict),
  'resources?': { 'memory_mib?': wholeNumber(1, 1e8), 'cpu?': between(0.01, 1e5), 'gpu?': flag, 'accelerator_constrained?': flag, 'seconds?': between(0.001, 1e7) },
  kind: matching(/^(onnx|exec|image)$/, "'onnx', 'exec' or 'image'"),
  input: { bands, fill: number, gsd: between(1e-3, 1e6), gsd_range: rising },
  patch: wholeNumber(1, MAX_PATCH),
  halo: wholeNumber(0, MAX_PATCH),
  output: { dimensions: wholeNumber(1, MAX_DIMENSIONS), prefix_truncatable: flag, 'norm?': matching(/^unit$/, "'unit'") },
  min_valid: between(0, 1),
  quantization: {
    int8: { scale: positiveNumbers, offset: numbers },
    'power2?': { gain: between(1e-9, 1e9) },
    'binary?': { threshold: numbers },
  },
  rgb: { mean: numbers, components: rows, low: numbers, high: numbers },
  golden: fileName,
};

const fieldsByKind: Readonly<Record<OperatorManifest['kind'], Fields>> = {
  onnx: { model: { file: fileName, sha256, opset: wholeNumber(1), input: text, output: text }, 'files?': packageFiles },
  exec: { command: words, files: packageFiles },
  image: { image: matching(/^[\w.:/-]+@sha256:[0-9a-f]{64}$/, "an image with its digest: 'docker.io/name/image@sha256:…'"), 'command?': words, 'files?': packageFiles },
};

/** The fields of a manifest of this kind; those that all kinds have where it is none. */
export function fieldsOf(kind: unknown): Fields {
  return { ...commonFields, ...(typeof kind === 'string' && Object.hasOwn(fieldsByKind, kind) ? fieldsByKind[kind as OperatorManifest['kind']] : fieldsByKind.onnx) };
}

/** Everything that is wrong with a value, one line each, beginning with the path of the field. */
export function problemsOf(value: unknown, fields: Fields, at = ''): string[] {
  if (!isRecord(value)) return [`${at || 'the document'} must be an object`];
  const known = Object.entries(fields).map(([key, rule]) => ({ key: key.replace(/\?$/, ''), optional: key.endsWith('?'), rule }));
  const unknown = Object.keys(value).filter((key) => !known.some((k) => k.key === key));
  return [
    ...unknown.map((key) => `${join(at, key)} is no field of an operator's manifest`),
    ...known.flatMap(({ key, optional, rule }) => {
      const path = join(at, key);
      if (!(key in value)) return optional ? [] : [`${path} is missing`];
      if (typeof rule === 'object') return problemsOf(value[key], rule, path);
      const problem = rule(value[key]);
      return problem ? [`${path} ${problem}`] : [];
    }),
  ];
}

function join(at: string, key: string): string {
  return at ? `${at}.${key}` : key;
}
