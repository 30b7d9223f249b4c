/**
 * The YAML that training tools write their settings in: nested mappings, lists with '- ' or in brackets, numbers and texts.
 * Anchors, tags, block texts and several documents are not read; such lines are left out.
 */

export type YamlValue = string | number | boolean | null | readonly YamlValue[] | { readonly [key: string]: YamlValue };

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** Reads a document. Throws RangeError for one that is too deep. */
export function readSimpleYaml(source: string): YamlValue {
  const lines = source.split(/\r?\n/).map((line) => ({ indent: line.length - line.trimStart().length, text: withoutComment(line).trim() }))
    .filter(({ text }) => text !== '' && text !== '---');
  return new YamlReader(lines).block(0, 0);
}

/** A '#' within quotes begins no comment. */
const withoutComment = (line: string) => line.replace(/("[^"]*"|'[^']*')|(^|\s)#.*$/g, '$1');

class YamlReader {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  /** The lines from here on that are indented by `indent` at least. */
  block(indent: number, depth: number): YamlValue {
    if (depth > 64) throw new RangeError('the YAML is nested more than 64 deep');
    const first = this.#lines[this.#at];
    if (!first || first.indent < indent) return null;
    return first.text.startsWith('- ') || first.text === '-' ? this.#list(first.indent, depth) : this.#mapping(first.indent, depth);
  }

  #list(indent: number, depth: number): YamlValue {
    const entries: YamlValue[] = [];
    for (let line = this.#lines[this.#at]; line && line.indent === indent && /^-( |$)/.test(line.text); line = this.#lines[this.#at]) {
      this.#at++;
      const rest = line.text.slice(1).trim();
      entries.push(rest === '' ? this.block(indent + 1, depth + 1) : flow(rest, depth));
    }
    return entries;
  }

  #mapping(indent: number, depth: number): YamlValue {
    const entries: [string, YamlValue][] = [];
    for (let line = this.#lines[this.#at]; line && line.indent >= indent; line = this.#lines[this.#at]) {
      this.#at++;
      const [, key, rest] = /^("[^"]*"|'[^']*'|[^:]+):(?:\s+(.*))?$/.exec(line.text) ?? [];
      if (key === undefined || line.indent > indent) continue;
      const name = String(scalar(key.trim()));
      if (rest === undefined || rest === '') {
        // A list may stand at the indentation of its key.
        const next = this.#lines[this.#at];
        entries.push([name, this.block(next?.text.startsWith('-') && next.indent === indent ? indent : indent + 1, depth + 1)]);
      } else {
        entries.push([name, flow(this.#whole(rest), depth)]);
      }
    }
    return Object.fromEntries(entries);
  }

  /** A list in brackets may go on over several lines. */
  #whole(start: string): string {
    let text = start;
    while (text.startsWith('[') && !text.includes(']') && this.#at < this.#lines.length) text += ` ${this.#lines[this.#at++]!.text}`;
    return text;
  }
}

function flow(text: string, depth: number): YamlValue {
  if (!/^\[.*\]$/.test(text)) return scalar(text);
  const inner = text.slice(1, -1).trim();
  return inner === '' || depth > 64 ? [] : inner.split(',').map((part) => part.trim()).filter((part) => part !== '').map(scalar);
}

function scalar(text: string): string | number | boolean | null {
  const quoted = /^(["'])(.*)\1$/.exec(text);
  if (quoted) return quoted[2]!;
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null' || text === '~') return null;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}
