/** The fields of operator.json and what they must hold, as data. manifest.ts applies them. */

/** Says what is wrong with a value, e.g. 'must be a string', or null. */
type Check = (value: unknown) => string | null;

/** A field's check, or the fields below it. A key that ends in '?' may be absent. */
export interface Fields {
  readonly [key: string]: Check | Fields;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const text: Check = (v) => (typeof v === 'string' && v.length > 0 ? null : 'must be a text that is not empty');
const number: Check = (v) => (isNumber(v) ? null : 'must be a number');
const flag: Check = (v) => (typeof v === 'boolean' ? null : 'must be true or false');

const matching = (pattern: RegExp, what: string): Check => (v) => (typeof v === 'string' && pattern.test(v) ? null : `must be ${what}`);
const wholeNumber = (least: number): Check => (v) => (Number.isInteger(v) && (v as number) >= least ? null : `must be a whole number, ${least} or more`);
const between = (low: number, high: number): Check => (v) => (isNumber(v) && v >= low && v <= high ? null : `must be a number from ${low} to ${high}`);
const fileName = matching(/^[\w-][\w.-]*$/, 'the name of a file in the same folder');

const numbers: Check = (v) => (Array.isArray(v) && v.length > 0 && v.every(isNumber) ? null : 'must be an array of numbers');
const positiveNumbers: Check = (v) => numbers(v) ?? ((v as number[]).every((n) => n > 0) ? null : 'must hold numbers above 0');
const rising: Check = (v) => numbers(v) ?? ((v as number[]).length === 2 && (v as number[])[0]! <= (v as number[])[1]! ? null : 'must be two numbers, the smaller first');

const rows: Check = (v) => (Array.isArray(v) && v.every((row) => numbers(row) === null) ? null : 'must be an array of arrays of numbers');

const bandFields: Fields = { name: text, 'common_name?': text, 'center_wavelength?': between(0.1, 1e6) };

const bands: Check = (v) => {
  if (!Array.isArray(v) || v.length === 0) return 'must be an array of bands';
  const [first] = v.flatMap((band: unknown, i) => problemsOf(band, bandFields, `[${i}]`));
  if (first) return `is wrong at ${first}`;
  return new Set(v.map((band: { name: string }) => band.name)).size === v.length ? null : 'must not name a band twice';
};

export const manifestFields: Fields = {
  name: matching(/^[a-z][a-z0-9_-]*$/, 'lower-case letters, digits, - and _, beginning with a letter'),
  version: matching(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/, 'a version such as 1.2.3'),
  title: text,
  description: text,
  license: text,
  kind: matching(/^onnx$/, "'onnx'"),
  model: { file: fileName, sha256: matching(/^[0-9a-f]{64}$/, '64 hexadecimal digits'), opset: wholeNumber(1), input: text, output: text },
  input: { bands, fill: number, gsd: between(1e-3, 1e6), gsd_range: rising },
  patch: wholeNumber(1),
  halo: wholeNumber(0),
  output: { dimensions: wholeNumber(1), prefix_truncatable: flag, 'norm?': matching(/^unit$/, "'unit'") },
  min_valid: between(0, 1),
  quantization: {
    int8: { scale: positiveNumbers, offset: numbers },
    'power2?': { gain: between(1e-9, 1e9) },
    'binary?': { threshold: numbers },
  },
  rgb: { mean: numbers, components: rows, low: numbers, high: numbers },
  golden: fileName,
};

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
