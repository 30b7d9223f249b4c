/** YAML that reads as the same value everywhere, also where YAML 1.1 is read: texts stand in quotes. */
import { stringify } from 'yaml';

export type YamlNode = string | number | boolean | null | readonly YamlNode[] | { readonly [key: string]: YamlNode | undefined };

/** The document, with comments before it. */
export function writeYaml(value: YamlNode, comments: readonly string[] = []): string {
  const document = stringify(value, { version: '1.1', defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 });
  return [...comments.map((line) => `# ${line}`), document].join('\n');
}
