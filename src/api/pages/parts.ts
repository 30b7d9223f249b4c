/** What several pages are made of. */
import { html, link, type Content, type Html } from './html.ts';

/** JSON of which nothing is sure: descriptions come from users and from other services. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** A table whose first column names its rows. */
export function table(caption: string, columns: readonly string[], rows: readonly (readonly Content[])[]): Html | null {
  if (rows.length === 0) return null;
  // Wide tables scroll on small screens, with the keyboard too.
  return html`<div class="wide" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${rows.map(([first, ...others]) => html`<tr><th scope="row">${first}</th>${others.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>`;
}

/** Names and values; those without a value are left out. */
export function facts(entries: Readonly<Record<string, Content>>): Html {
  return html`<dl>${Object.entries(entries).filter(([, value]) => value !== undefined && value !== null && value !== '').map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

export function section(title: string, content: Content): Html | null {
  return content === null || content === undefined ? null : html`<section><h2>${title}</h2>${content}</section>`;
}

/** The links of a document. */
export function links(document: Fields): Html | null {
  const rows = fieldsOf(document['links']).map(({ rel, href, title, type }) => [textOf(title) || textOf(rel), link(href), textOf(rel), textOf(type)]);
  return section('Links', table('Where to go from here', ['What', 'Address', 'Relation', 'Media type'], rows));
}

/** JSON as it is, for what no table shows. */
export function source(title: string, value: unknown): Html | null {
  if (value === undefined || value === null) return null;
  return html`<details><summary>${title}</summary><pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre></details>`;
}

/** A short value in a cell. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
}
