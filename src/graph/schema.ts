/** Checks values against the JSON Schemas of process parameters, including openEO's subtypes. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { Cube } from '../cube/cube.ts';
import { Callback } from './callback.ts';
import { describeSchema, describeValue, typeNames } from './schema-words.ts';
import { subtypeSchemas } from './subtypes.ts';
import { LabeledArray, type Value } from './value.ts';
import type { ParameterDescription } from './wire.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly subtype?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly dimensions?: readonly { readonly type?: string }[];
  readonly items?: unknown;
  readonly parameters?: readonly ParameterDescription[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Arrays that stand for labeled ones while ajv, which knows no such type, looks at them. */
const labeled = new WeakSet<object>();
const validators = new WeakMap<object, ValidateFunction>();

const ajv = createAjv();
const subtypes = new Map(Object.entries(subtypeSchemas).map(([name, schema]) => [name, ajv.compile(schema)]));

function createAjv(): Ajv {
  // openEO's numbers include NaN and ±Infinity; its schemas carry keywords ajv has never heard of.
  // Patterns of the standard ('\\:') are regular expressions only without the flag u.
  const instance = new Ajv({ verbose: true, strict: false, strictNumbers: false, validateSchema: false, addUsedSchema: false, unicodeRegExp: false });
  formats.default(instance, { mode: 'full' });
  instance.addKeyword({ keyword: 'subtype', schemaType: 'string', errors: false, validate: isOfSubtype });
  return instance;
}

/** `schema` is the one with the subtype. Where a vector cube is wanted GeoJSON will do, as clients write it into the graph. */
function isOfSubtype(name: string, value: unknown, schema?: Schema): boolean {
  if (/^(datacube|raster-cube|vector-cube)$/.test(name)) return value instanceof Cube || (isOfGeometries(schema) && isOfSubtype('geojson', value));
  if (name === 'process-graph') return value instanceof Callback;
  if (value instanceof Cube || value instanceof Callback) return false;
  if (name === 'labeled-array') return labeled.has(value as object);
  return subtypes.get(name)?.(value) ?? true;
}

function isOfGeometries(schema: Schema | undefined): boolean {
  return schema?.dimensions?.some((d) => d.type === 'geometry') === true;
}

/** The alternatives of a parameter's schema: a schema, an array of them, or anyOf. */
export function alternatives(schema: unknown): readonly Schema[] {
  if (Array.isArray(schema)) return schema.flatMap(alternatives);
  if (typeof schema !== 'object' || schema === null) return [{}];
  const { anyOf, oneOf } = schema as Schema;
  return anyOf ?? oneOf ? alternatives(anyOf ?? oneOf) : [schema as Schema];
}

/** The alternative of a schema that takes a callback, whose `parameters` the callback can use. */
export function callbackSchema(schema: unknown): { readonly parameters: readonly ParameterDescription[] } | null {
  const found = alternatives(schema).find((a) => a.subtype === 'process-graph');
  return found ? { parameters: found.parameters ?? [] } : null;
}

/** The schema of a property of an object that the schema describes; undefined when it says nothing. */
export function propertySchema(schema: unknown, name: string): unknown {
  for (const { properties, additionalProperties } of alternatives(schema)) {
    if (properties && Object.hasOwn(properties, name)) return properties[name];
    if (typeof additionalProperties === 'object' && additionalProperties !== null) return additionalProperties;
  }
  return undefined;
}

/** Why a value does not conform to a schema, as the end of the sentence 'it is invalid: …'; null when it does. */
export function checkValue(value: Value, schema: unknown): string | null {
  if (typeof schema !== 'object' || schema === null) return null;
  // ajv takes an instance for an object: cubes and callbacks are decided here.
  if (value instanceof Cube || value instanceof Callback) {
    const takes = alternatives(schema).some((a) => (a.subtype !== undefined ? isOfSubtype(a.subtype, value) : a.type === undefined));
    return takes ? null : mismatch(schema, value);
  }
  const validate = validatorOf(schema);
  if (validate(plain(value))) return null;
  return reason(validate.errors ?? [], schema, value);
}

function validatorOf(schema: object): ValidateFunction {
  let validate = validators.get(schema);
  if (!validate) {
    const whole = Array.isArray(schema) ? { anyOf: schema.map(leftToProcess) } : leftToProcess(schema);
    validate = ajv.compile(whole);
    // ajv would keep it for ever; here it lives as long as the schema does.
    ajv.removeSchema(whole);
    validators.set(schema, validate);
  }
  return validate;
}

/**
 * Two checks of a schema are left to the process. An interval of two equal instants is empty, for which
 * the standard has an error of its own (TemporalExtentEmpty), not a list with duplicates.
 *
 * Bounds of a number that may be no-data are the domain of a mathematical function, e.g. −1 … 1 of arccos.
 * A pixel outside of it is no error: the function gives NaN, as the test vectors of the standard expect.
 */
function leftToProcess(schema: object): object {
  const alternatives = (schema as Schema).anyOf;
  if (alternatives) return { ...schema, anyOf: alternatives.map(leftToProcess) };
  if ((schema as Schema).subtype === 'temporal-interval') return { ...schema, uniqueItems: false };
  const { type, minimum: _, maximum: __, ...rest } = schema as Schema & { minimum?: number; maximum?: number };
  const isData = Array.isArray(type) && type.includes('number') && type.includes('null');
  return isData ? { type, ...rest } : schema;
}

/** Labeled arrays as plain ones that `labeled` remembers. */
function plain(value: Value): unknown {
  if (value instanceof LabeledArray) {
    const values = value.values.map(plain);
    labeled.add(values);
    return values;
  }
  if (Array.isArray(value)) return value.some((v) => typeof v === 'object') ? value.map(plain) : value;
  return value;
}

function reason(errors: readonly ErrorObject[], schema: unknown, value: Value): string {
  const deepest = errors.reduce((a, b) => (b.instancePath.length > a.instancePath.length ? b : a), errors[0]!);
  if (deepest.instancePath === '' && ['type', 'anyOf', 'oneOf', 'subtype', 'enum', 'const'].includes(deepest.keyword)) return mismatch(schema, value);
  const where = deepest.instancePath === '' ? 'it' : deepest.instancePath.slice(1).replaceAll('/', '.');
  if (deepest.keyword === 'subtype') return `${where} must be ${describeSchema([{ subtype: deepest.schema as string }])}`;
  const allowed = deepest.keyword === 'enum' ? `: ${(deepest.params.allowedValues as unknown[]).map((v) => JSON.stringify(v)).join(', ')}` : '';
  return `${where} ${deepest.message ?? 'is not as described'}${allowed}`;
}

function mismatch(schema: unknown, value: Value): string {
  const inside = problemInside(schema, value);
  return `it must be ${describeSchema(alternatives(schema))}, not ${describeValue(value)}${inside === null ? '' : ` in which ${inside}`}`;
}

/** What is wrong inside of a value that is of a subtype otherwise, e.g. with one end of an interval. */
function problemInside(schema: unknown, value: Value): string | null {
  if (typeof value !== 'object' || value === null || value instanceof Cube || value instanceof Callback || value instanceof LabeledArray) return null;
  for (const { subtype = '' } of alternatives(schema)) {
    const validate = subtypes.get(subtype);
    if (!validate || validate(value)) continue;
    const found = validate.errors!.find((e) => e.instancePath !== '');
    if (found) return `${found.instancePath.slice(1).replaceAll('/', '.')} (${describeValue(found.data)}) is not as it must be`;
  }
  return null;
}

/** Keywords of a schema written by a user that are checked, and what they must hold to be taken up. */
const isCount = (v: unknown) => typeof v === 'number' && Number.isInteger(v) && v >= 0;
const isType = (v: unknown) => [v].flat().every((t) => typeof t === 'string' && Object.hasOwn(typeNames, t));
const safeKeywords: Readonly<Record<string, (v: unknown) => boolean>> = {
  type: isType, subtype: (v) => typeof v === 'string', enum: (v) => Array.isArray(v) && v.length > 0,
  minimum: Number.isFinite, maximum: Number.isFinite, minItems: isCount, maxItems: isCount, minLength: isCount, maxLength: isCount,
  required: (v) => Array.isArray(v) && v.every((name) => typeof name === 'string'),
};

/** Parts of a schema that are taken up; what comes after them is dropped, which allows more and breaks nothing. */
const MAX_PARTS = 2000;

/**
 * A schema that a user wrote, reduced to keywords that can do no harm (no patterns, no references), so
 * that it may be compiled. What is nested deeper than eight levels is dropped.
 */
export function restrictSchema(schema: unknown): object {
  let left = MAX_PARTS;
  const all = (schemas: readonly unknown[], depth: number) => schemas.slice(0, Math.max(0, left)).map((s) => restrict(s, depth));
  const restrict = (part: unknown, depth: number): object => {
    left -= 1;
    if (left < 0 || depth > 8 || typeof part !== 'object' || part === null) return {};
    if (Array.isArray(part)) return { anyOf: all(part, depth + 1) };
    const raw = part as Record<string, unknown>;
    const own = (key: string) => (Object.hasOwn(raw, key) ? raw[key] : undefined);
    const out: Record<string, unknown> = {};
    for (const [key, isSafe] of Object.entries(safeKeywords)) if (isSafe(own(key))) out[key] = raw[key];
    const [options, items, properties, parameters] = [own('anyOf') ?? own('oneOf'), own('items'), own('properties'), own('parameters')];
    if (Array.isArray(options) && options.length > 0) out['anyOf'] = all(options, depth + 1);
    if (typeof items === 'object' && items !== null && !Array.isArray(items)) out['items'] = restrict(items, depth + 1);
    if (typeof properties === 'object' && properties !== null) {
      out['properties'] = Object.fromEntries(Object.entries(properties).slice(0, Math.max(0, left)).map(([k, v]) => [k, restrict(v, depth + 1)]));
    }
    if (Array.isArray(parameters)) out['parameters'] = parameters.filter(isNamed).map(({ name }) => ({ name, description: '', schema: {} }));
    return out;
  };
  return restrict(schema, 0);
}

/** A parameter that a callback gets. */
const isNamed = (p: unknown): p is { name: string } => typeof p === 'object' && p !== null && typeof (p as { name?: unknown }).name === 'string';
