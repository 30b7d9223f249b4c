/**
 * Parameters of operators: declared in the manifest, given as JSON (an argument of a process) or as text (a reference, an option of the
 * command line), checked before anything is queued, and handed to programs as text again. The text of a value says all of it:
 * whatever a caller wrote, spaces, quotes, '$()', '-1' or nothing at all, arrives as it was written.
 */
import { invalidArgument, type OpenEOError } from '../errors.ts';
import { digest } from '../cube/digest.ts';
import type { OperatorManifest, OperatorParameter, ParameterValue, ParameterValues } from './operator.ts';

type Declared = Pick<OperatorManifest, 'name' | 'params'>;
type Scalar = string | number | boolean;
type ScalarType = Exclude<OperatorParameter['type'], 'array'>;

/** References with parameters are kept in layers and tasks, so they stay short. */
const LONGEST_TEXT = 4096;
const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * All parameters of an operator, defaults filled in: from values as JSON has them, where null stands for "not given", and from
 * texts, as references and command lines have them ('true' and 'false' in whatever case, JSON or 'a,b,c' for arrays).
 * Throws ProcessParameterInvalid naming the first that is unknown, given twice, missing, of the wrong type or out of its range.
 */
export function parametersOf(manifest: Declared, given: Readonly<Record<string, unknown>>, texts: Readonly<Record<string, string>> = {}): ParameterValues {
  refuseUnknown(manifest, [...Object.keys(texts), ...Object.keys(given)]);
  const entries = (manifest.params ?? []).map((parameter): [string, ParameterValue] => [parameter.name, valueOf(manifest, parameter, given, texts)]);
  return Object.fromEntries(entries);
}

/** What is said where nothing is given; required parameters are not among them. */
export function defaultsOf({ params = [] }: Pick<OperatorManifest, 'params'>): ParameterValues {
  return Object.fromEntries(params.flatMap((p) => (p.default === undefined ? [] : [[p.name, p.default]])));
}

/** The text of a value, which reads as the same value again; null for null, which is no text (a program finds no such variable). */
export function parameterText(value: ParameterValue): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The texts of those parameters that differ from the defaults: what a pinned reference has to say. */
export function changedTexts(manifest: Pick<OperatorManifest, 'params'>, values: ParameterValues): Readonly<Record<string, string>> {
  return Object.fromEntries(changed(manifest, values).map(([name, value]) => [name, parameterText(value) ?? '']));
}

/** What names an operator with these parameters: the digest of its manifest where all are the defaults, else one over both. */
export function operatorDigest(manifestDigest: string, manifest: Pick<OperatorManifest, 'params'>, values: ParameterValues): string {
  const others = changed(manifest, values);
  return others.length === 0 ? manifestDigest : digest({ manifest: manifestDigest, params: Object.fromEntries(others) });
}

/** The problem of a value with its declaration, e.g. 'must be 4 at most'; null when there is none. */
export function parameterProblem(parameter: Omit<OperatorParameter, 'name' | 'description'>, value: unknown): string | null {
  if (parameter.type !== 'array') return scalarProblem(parameter, parameter.type, value);
  if (!Array.isArray(value)) return 'must be an array';
  const problems = value.map((entry: unknown) => scalarProblem(parameter, parameter.items ?? 'string', entry));
  const at = problems.findIndex((problem) => problem !== null);
  return at < 0 ? tooLong(JSON.stringify(value)) : `entry ${at} ${problems[at]}`;
}

function changed(manifest: Pick<OperatorManifest, 'params'>, values: ParameterValues): [string, ParameterValue][] {
  const defaults = defaultsOf(manifest);
  return Object.entries(values).filter(([name, value]) => !Object.hasOwn(defaults, name) || digest(value) !== digest(defaults[name]));
}

function valueOf(manifest: Declared, parameter: OperatorParameter, given: Readonly<Record<string, unknown>>, texts: Readonly<Record<string, string>>): ParameterValue {
  const { name } = parameter;
  const value = Object.hasOwn(given, name) ? given[name] ?? null : null;
  const text = Object.hasOwn(texts, name) ? texts[name]! : null;
  if (value !== null && text !== null) throw refused(name, 'it is given twice, in the reference of the operator and among the options');
  if (text !== null) return checked(manifest, parameter, readText(text, parameter) ?? text);
  if (value !== null) return checked(manifest, parameter, value);
  if (parameter.default === undefined) throw refused(name, `the operator '${manifest.name}' requires it: ${parameter.description}`);
  return parameter.default;
}

function refuseUnknown({ name, params = [] }: Declared, given: readonly string[]): void {
  const unknown = given.find((key) => !params.some((p) => p.name === key));
  if (unknown === undefined) return;
  const known = params.length > 0 ? `it has ${params.map((p) => `'${p.name}'`).join(', ')}` : 'it has none';
  throw refused(unknown.slice(0, 80), `the operator '${name}' has no such parameter; ${known}`);
}

function checked({ name }: Declared, parameter: OperatorParameter, value: unknown): ParameterValue {
  const problem = parameterProblem(parameter, value);
  if (problem !== null) throw refused(parameter.name, `for the operator '${name}' it ${problem}${parameter.unit ? ` (in ${parameter.unit})` : ''}`);
  return value as ParameterValue;
}

const nouns: Record<ScalarType, string> = { string: 'a text', integer: 'a whole number', number: 'a number', boolean: 'true or false' };

function scalarProblem({ enum: allowed, minimum, maximum }: Pick<OperatorParameter, 'enum' | 'minimum' | 'maximum'>, type: ScalarType, value: unknown): string | null {
  if (!isOfType(type, value)) return `must be ${nouns[type]}, not ${shown(value)}`;
  if (allowed && !(allowed as readonly unknown[]).includes(value)) return `must be one of ${allowed.map((v) => JSON.stringify(v)).join(', ')}, not ${shown(value)}`;
  if (typeof value === 'string') return textProblem(value);
  if (minimum !== undefined && (value as number) < minimum) return `must be ${minimum} at least, not ${shown(value)}`;
  if (maximum !== undefined && (value as number) > maximum) return `must be ${maximum} at most, not ${shown(value)}`;
  return null;
}

function isOfType(type: ScalarType, value: unknown): boolean {
  switch (type) {
    case 'string': return typeof value === 'string';
    case 'boolean': return typeof value === 'boolean';
    case 'integer': return Number.isSafeInteger(value);
    case 'number': return typeof value === 'number' && Number.isFinite(value);
  }
}

/** What no environment variable and no reference can carry. */
function textProblem(text: string): string | null {
  if (text.includes('\0')) return 'must not hold the character NUL';
  return text.isWellFormed() ? tooLong(text) : 'must be valid Unicode';
}

const tooLong = (text: string) => (text.length > LONGEST_TEXT ? `must be ${LONGEST_TEXT} characters at most, it has ${text.length}` : null);

/** undefined for a text that is no such value. */
function readText(text: string, { type, items = 'string' }: OperatorParameter): unknown {
  return type === 'array' ? arrayOf(text, items) : scalarOf(text, type);
}

function scalarOf(text: string, type: ScalarType): Scalar | undefined {
  switch (type) {
    case 'string': return text;
    case 'boolean': return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
    case 'integer': return INTEGER.test(text) ? Number(text) : undefined;
    case 'number': return NUMBER.test(text) ? Number(text) : undefined;
  }
}

function arrayOf(text: string, items: ScalarType): unknown {
  if (!text.trimStart().startsWith('[')) return text === '' ? [] : text.split(',').map((part) => scalarOf(part.trim(), items) ?? part);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function refused(parameter: string, reason: string): OpenEOError<'ProcessParameterInvalid'> {
  return invalidArgument('compress_embed', parameter, reason);
}
