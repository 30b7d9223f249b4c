/**
 * CLAIMED components: Python scripts and notebooks whose interface is what they read from the environment.
 *
 *     # number of patches                                   the description: the comment before or behind
 *     batch_size = int(os.getenv('batch_size', '16'))       name, type by the cast, default; no default: required
 *
 * Beyond that: `json.loads(os.getenv(…))` and `os.getenv(…).split(',')` are arrays, and a comment may hold 'range 0..1', 'unit px'
 * and 'one of a, b'. The first docstring (in a notebook the first text) describes the operator; `# pip install` lines are what it needs.
 */
import { parameterProblem } from '../params.ts';
import type { OperatorParameter, ParameterValue } from '../operator.ts';
import { pythonTokens, type PythonToken } from './python-tokens.ts';

export interface ClaimedInterface {
  readonly title: string;
  readonly description: string;
  readonly params: readonly OperatorParameter[];
  /** What `pip install` is asked for. */
  readonly requirements: readonly string[];
  /** Variables that the source sets: what CLAIMED calls outputs. */
  readonly outputs: readonly string[];
  /** What could not be understood, and what is treacherous, by line. */
  readonly remarks: readonly string[];
}

/** The interface of a Python source. Never throws: what it does not understand becomes a remark. */
export function claimedInterface(source: string): ClaimedInterface {
  const tokens = pythonTokens(source);
  const reader = new InterfaceReader(tokens);
  const { params, outputs, remarks } = reader.read();
  const description = docstringOf(tokens);
  return { title: titleOf(description), description, params, outputs, remarks, requirements: requirementsOf(source) };
}

/** Python source of a notebook: its code, and its first text as docstring. Throws RangeError for what is no notebook. */
export function notebookSource(json: string): string {
  let cells: unknown;
  try {
    cells = (JSON.parse(json) as { cells?: unknown }).cells;
  } catch (error) {
    throw new RangeError(`it is no notebook: ${(error as Error).message}`, { cause: error });
  }
  if (!Array.isArray(cells)) throw new RangeError('it is no notebook: it has no cells');
  const texts = cells.filter((cell) => typeof cell === 'object' && cell !== null)
    .map(({ cell_type: type, source }: { cell_type?: unknown; source?: unknown }) => ({ type, text: Array.isArray(source) ? source.join('') : typeof source === 'string' ? source : '' }));
  const first = texts.find(({ type, text }) => type === 'markdown' && text.trim() !== '')?.text.replace(/^#+\s*/gm, '').replaceAll('"""', "'''").replaceAll('\\', '\\\\');
  // Lines for the shell and for IPython are no Python; those that install something are kept as comments.
  const code = texts.filter(({ type }) => type === 'code').map(({ text }) => text.replace(/^([ \t]*)([!%].*)$/gm, '$1pass # $2'));
  return [...(first === undefined ? [] : [`"""${first}\n"""`]), ...code].join('\n\n');
}

/** The docstring of a module: a text before any code. */
function docstringOf(tokens: readonly PythonToken[]): string {
  const first = tokens.find(({ kind }) => kind !== 'line' && kind !== 'comment');
  return first?.kind === 'string' ? first.text.trim() : '';
}

const titleOf = (description: string) => description.split('\n', 1)[0]!.trim().replace(/[.:]$/, '');

/** Also of '%pip' and of '!pip' in notebooks. Options of pip are left out: they say where, not what. */
function requirementsOf(source: string): readonly string[] {
  const lines = source.matchAll(/^[ \t]*(?:pass )?#?[ \t]*[!%]?[ \t]*(?:python3? -m )?pip3? install (.+)$/gm);
  const words = [...lines].flatMap(([, rest]) => rest!.replace(/\s#.*$/, '').split(/\s+/)).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
  return [...new Set(words.filter((word) => /^[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?([=<>!~]=?=?[\w.*+!,<>=~-]+)?$/.test(word)))];
}

type Cast = 'int' | 'float' | 'bool' | 'str' | 'loads' | 'literal_eval';
const types: Readonly<Record<Cast, OperatorParameter['type']>> = { int: 'integer', float: 'number', bool: 'boolean', str: 'string', loads: 'array', literal_eval: 'array' };

/** Where the words of one reading of the environment stand. */
interface Reading {
  readonly name: string;
  readonly line: number;
  readonly type: OperatorParameter['type'];
  /** Words of the default; null for none. */
  readonly usual: readonly PythonToken[] | null;
  readonly lastLine: number;
}

class InterfaceReader {
  readonly #all: readonly PythonToken[];
  /** Without comments and ends of lines. */
  readonly #code: readonly PythonToken[];
  readonly #remarks: string[] = [];

  constructor(tokens: readonly PythonToken[]) {
    this.#all = tokens;
    this.#code = tokens.filter(({ kind }) => kind !== 'comment' && kind !== 'line');
  }

  read(): Pick<ClaimedInterface, 'params' | 'outputs' | 'remarks'> {
    const params = new Map<string, OperatorParameter>();
    const outputs = new Set<string>();
    for (let at = 0; at < this.#code.length; at++) {
      const set = this.#assigned(at);
      if (set !== null) outputs.add(set);
      const reading = set === null ? this.#readingAt(at) : null;
      if (reading && !params.has(reading.name) && !outputs.has(reading.name)) params.set(reading.name, this.#parameter(reading));
    }
    return { params: [...params.values()], outputs: [...outputs], remarks: this.#remarks };
  }

  #is(at: number, ...texts: readonly string[]): boolean {
    return texts.every((text, i) => this.#code[at + i]?.text === text && this.#code[at + i]!.kind !== 'string');
  }

  /** `os.environ['x'] = …` */
  #assigned(at: number): string | null {
    const [name, equals, next] = [this.#code[at + 2], this.#code[at + 4], this.#code[at + 5]];
    if (!this.#is(at, 'environ', '[') || name?.kind !== 'string' || !this.#is(at + 3, ']')) return null;
    return equals?.text === '=' && equals.kind === 'sign' && next?.text !== '=' ? name.text : null;
  }

  /** `os.getenv('x', …)`, `os.environ.get('x', …)` or `os.environ['x']`, at the word that decides. */
  #readingAt(at: number): Reading | null {
    const opening = this.#is(at, 'getenv', '(') ? at + 1 : this.#is(at, 'environ', '.', 'get', '(') ? at + 3 : this.#is(at, 'environ', '[') ? at + 1 : -1;
    const name = this.#code[opening + 1];
    if (opening < 0 || name?.kind !== 'string' || name.isComputed) return null;
    const closing = this.#closing(opening);
    const rest = this.#code.slice(opening + 2, closing);
    const usual = this.#is(opening, '(') && rest[0]?.text === ',' ? rest.slice(1).filter((t, i, list) => !(i === list.length - 1 && t.text === ',')) : null;
    // 'default=' and the like.
    const value = usual && usual[1]?.text === '=' && usual[0]?.kind === 'name' ? usual.slice(2) : usual;
    const isSplit = this.#is(closing + 1, '.', 'split', '(');
    const cast = this.#castBefore(this.#is(at - 2, 'os', '.') ? at - 2 : at);
    return { name: name.text, line: this.#code[at]!.line, type: isSplit ? 'array' : types[cast ?? 'str'], usual: value, lastLine: this.#code[closing]?.line ?? name.line };
  }

  /** The bracket that closes the one here, or the end. */
  #closing(opening: number): number {
    let depth = 0;
    for (let at = opening; at < this.#code.length; at++) {
      const { kind, text } = this.#code[at]!;
      if (kind !== 'sign') continue;
      if ('([{'.includes(text)) depth++;
      else if (')]}'.includes(text) && --depth === 0) return at;
    }
    return this.#code.length;
  }

  #castBefore(at: number): Cast | null {
    const word = this.#is(at - 1, '(') ? this.#code[at - 2] : undefined;
    return word?.kind === 'name' && Object.hasOwn(types, word.text) ? word.text as Cast : null;
  }

  #parameter(reading: Reading): OperatorParameter {
    const { name, type, line, usual } = reading;
    const comment = this.#commentOf(reading);
    const plain: OperatorParameter = {
      name, type, ...describedBy(comment, type), description: withoutWords(comment) || name.replaceAll('_', ' '),
      ...(type === 'array' && { items: 'string' }),
    };
    if (type === 'boolean') this.#remarks.push(`line ${line}: bool() takes every text but the empty one for true, also 'False'; it is started so that '${name}' arrives as it was meant`);
    if (usual === null) return plain;
    const value = defaultOf(usual, type);
    if (value === undefined) {
      this.#remarks.push(`line ${line}: the default of '${name}' is computed or is no ${type}; write it into operator.json, or the parameter is required`);
      return plain;
    }
    return Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'number') ? { ...plain, items: 'number', default: value } : { ...plain, default: value };
  }

  /** The comment on the line before, else the one behind. */
  #commentOf({ line, lastLine }: Reading): string {
    const onLine = (wanted: number) => this.#all.find((token) => token.kind === 'comment' && token.line === wanted);
    const hasCode = (wanted: number) => this.#code.some((token) => token.line === wanted);
    const before = onLine(line - 1);
    const found = before && !hasCode(line - 1) ? before : onLine(lastLine);
    return (found?.text ?? '').trim().replace(/^#+\s*/, '');
  }
}

const RANGE = /\brange\s+(-?[\d.]+(?:e-?\d+)?)?\s*\.\.\s*(-?[\d.]+(?:e-?\d+)?)?/i;
const UNIT = /\bunit\s+(\S+?)(?=[;,]|\s|$)/i;
const ONE_OF = /\bone of\s+([^;]+)/i;

function describedBy(comment: string, type: OperatorParameter['type']): Partial<OperatorParameter> {
  const [, low, high] = RANGE.exec(comment) ?? [];
  const unit = UNIT.exec(comment)?.[1];
  const words = ONE_OF.exec(comment)?.[1]?.split(',').map((word) => word.trim()).filter((word) => word !== '');
  const isNumeric = type === 'integer' || type === 'number';
  return {
    ...(isNumeric && low !== undefined && { minimum: Number(low) }), ...(isNumeric && high !== undefined && { maximum: Number(high) }),
    ...(unit !== undefined && { unit }),
    ...(words && words.length > 0 && (type === 'string' || isNumeric) && { enum: isNumeric ? words.map(Number) : words }),
  };
}

function withoutWords(comment: string): string {
  return [RANGE, UNIT, ONE_OF].reduce((text, pattern) => text.replace(pattern, ''), comment).replace(/[\s;,]+$/, '').replace(/;\s*;/g, ';').trim();
}

/** The value of a literal in the type of its cast; undefined for what is none. */
function defaultOf(tokens: readonly PythonToken[], type: OperatorParameter['type']): ParameterValue | undefined {
  const literal = literalOf(tokens);
  if (literal === undefined || literal === null) return literal;
  const value = cast(literal, type);
  return value !== undefined && parameterProblem({ type, ...(type === 'array' && { items: Array.isArray(value) && typeof value[0] === 'number' ? 'number' : 'string' }) }, value) === null ? value : undefined;
}

function literalOf(tokens: readonly PythonToken[]): string | number | boolean | null | undefined {
  if (tokens.length > 0 && tokens.every(({ kind, isComputed }) => kind === 'string' && !isComputed)) return tokens.map(({ text }) => text).join('');
  const sign = tokens.length === 2 && tokens[0]!.text === '-' ? -1 : 1;
  const last = tokens.at(-1);
  if (!last || tokens.length > (sign < 0 ? 2 : 1)) return undefined;
  if (last.kind === 'number') return sign * Number(last.text.replaceAll('_', ''));
  const word = { True: true, False: false, None: null }[last.text];
  return last.kind === 'name' && sign > 0 ? word : undefined;
}

/** What Python's cast makes of a default; `bool('False')` as it is meant and not as it is. */
function cast(literal: string | number | boolean, type: OperatorParameter['type']): ParameterValue | undefined {
  switch (type) {
    case 'string': return typeof literal === 'boolean' ? (literal ? 'True' : 'False') : String(literal);
    case 'boolean': return typeof literal === 'string' ? !/^(false|no|0|)$/i.test(literal) : Boolean(literal);
    case 'integer':
    case 'number': return typeof literal === 'string' && literal.trim() === '' ? undefined : Number(literal);
    case 'array': return arrayOf(String(literal));
  }
}

function arrayOf(text: string): readonly (string | number | boolean)[] | undefined {
  if (!text.trim().startsWith('[')) return text === '' ? [] : text.split(',').map((part) => part.trim());
  try {
    return JSON.parse(text.replaceAll("'", '"')) as readonly (string | number | boolean)[];
  } catch {
    return undefined;
  }
}
