/** Writes YAML that reads as the same value everywhere: every text in quotes, as JSON has them, which YAML takes too. */

export type YamlNode = string | number | boolean | null | readonly YamlNode[] | { readonly [key: string]: YamlNode | undefined };

/** The document, with comments before it. */
export function writeYaml(value: YamlNode, comments: readonly string[] = []): string {
  return [...comments.map((line) => `# ${line}`), ...lines(value), ''].join('\n');
}

function lines(value: YamlNode): string[] {
  if (Array.isArray(value)) return (value as readonly YamlNode[]).flatMap((entry) => nested('-', entry, true));
  if (!isMapping(value)) return [scalar(value)];
  return Object.entries(value).flatMap(([key, entry]) => (entry === undefined ? [] : nested(`${isPlainKey(key) ? key : JSON.stringify(key)}:`, entry, false)));
}

/** What stands on the line of its key or dash, and what goes below. */
function nested(start: string, value: YamlNode, isEntry: boolean): string[] {
  if (isEmpty(value)) return [`${start} ${Array.isArray(value) ? '[]' : '{}'}`];
  if (value === null || typeof value !== 'object') return [`${start} ${scalar(value)}`];
  const inner = lines(value).map((line) => `  ${line}`);
  // A list's entry begins behind its dash.
  return isEntry && !Array.isArray(value) ? [`- ${inner[0]!.trimStart()}`, ...inner.slice(1)] : [start, ...inner];
}

/** YAML 1.1 takes some words for true, false and null. */
const isPlainKey = (key: string) => /^[A-Za-z_][\w./-]*$/.test(key) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(key);
const isMapping = (value: YamlNode): value is { readonly [key: string]: YamlNode | undefined } => typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmpty = (value: YamlNode) => typeof value === 'object' && value !== null && Object.values(value).every((entry) => entry === undefined);
const scalar = (value: YamlNode): string => JSON.stringify(value);
