/** The words of a Python source: enough to tell code from comments and texts, which regular expressions can't. */

export interface PythonToken {
  readonly kind: 'name' | 'number' | 'string' | 'sign' | 'comment' | 'line';
  /** Of a string its value, of a comment what stands behind '#'. */
  readonly text: string;
  readonly line: number;
  /** Of a string that has expressions in it, whose value is only known when it runs. */
  readonly isComputed?: boolean;
}

const PATTERNS: readonly [PythonToken['kind'] | 'blank', RegExp][] = [
  ['blank', /[ \t\r\f]+|\\\r?\n/y],
  ['line', /\n/y],
  ['comment', /#[^\n]*/y],
  ['string', /([rRbBuUfF]{0,2})("""|'''|"|')/y],
  ['number', /(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y],
  ['name', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['sign', /[^\s]/uy],
];

/** Splits a source. What no Python is (an unclosed quote) ends at the end of its line, as a text. */
export function pythonTokens(source: string): readonly PythonToken[] {
  const tokens: PythonToken[] = [];
  let line = 1;
  for (let at = 0; at < source.length;) {
    const [kind, match] = firstMatch(source, at);
    if (kind === 'string') {
      const { token, end } = readString(source, at, match, line);
      tokens.push(token);
      line += newlines(source, at, end);
      at = end;
      continue;
    }
    if (kind === 'comment') tokens.push({ kind, text: match[0].slice(1), line });
    else if (kind !== 'blank') tokens.push({ kind, text: match[0], line });
    line += newlines(source, at, at + match[0].length);
    at += match[0].length;
  }
  return tokens;
}

function firstMatch(source: string, at: number): [PythonToken['kind'] | 'blank', RegExpExecArray] {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match) return [kind, match];
  }
  // What else there is counts as blank: a byte order mark, for example.
  return ['blank', Object.assign([source[at]!], { index: at, input: source }) as unknown as RegExpExecArray];
}

function newlines(source: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (source.charCodeAt(at) === 10) count++;
  return count;
}

function readString(source: string, at: number, [opening, prefix, quote]: RegExpExecArray, line: number): { token: PythonToken; end: number } {
  const isLong = quote!.length === 3;
  let end = at + opening.length;
  while (end < source.length && !source.startsWith(quote!, end) && (isLong || source[end] !== '\n')) end += source[end] === '\\' ? 2 : 1;
  const raw = source.slice(at + opening.length, end);
  const isComputed = /[fF]/.test(prefix!) && raw.replaceAll('{{', '').includes('{');
  const text = /[rR]/.test(prefix!) ? raw : unescaped(raw);
  return { token: { kind: 'string', text, line, ...(isComputed && { isComputed }) }, end: Math.min(source.length, end + (source.startsWith(quote!, end) ? quote!.length : 0)) };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"', '\n': '', 0: '\0', a: '\x07', b: '\b', f: '\f', v: '\v' };

function unescaped(raw: string): string {
  return raw.replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[^])/g, (whole, code: string) => {
    const point = code.length > 1 ? Number.parseInt(code.slice(1), 16) : NaN;
    if (Number.isInteger(point)) return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    return ESCAPES[code] ?? whole;
  });
}
