/** Collections as pages: the list, and one. */
import { html, link, type Content, type Html } from './html.ts';
import { facts, fieldsOf, isFields, links, section, source, table, textOf, type Fields } from './parts.ts';
import { firstWords, prose } from './prose.ts';
import type { View } from './view.ts';

export const collectionsPage: View = (document) => ({
  title: 'Collections',
  body: html`${table('Raw collections as stored, and virtual ones that are computed when somebody asks', ['Collection', 'Title', 'Description'], fieldsOf(document['collections']).map((collection) => [
    link(hrefOf(collection, 'self'), textOf(collection['id'])), textOf(collection['title']), firstWords(collection['description']),
  ])) ?? html`<p>There are none that you may see.</p>`}
${pages(document)}`,
});

export const collectionPage: View = (collection) => {
  const { id, title, description, license, keywords, providers, extent, summaries, assets } = collection;
  return {
    title: textOf(title) || textOf(id),
    body: html`${prose(description)}
${facts({ Id: html`<code>${textOf(id)}</code>`, License: textOf(license), Keywords: Array.isArray(keywords) ? keywords.map(textOf).join(', ') : undefined, Kind: 'lamina:layer' in collection ? 'virtual layer' : undefined, ...extentOf(extent) })}
${section('Providers', table('Who made it', ['Name', 'Roles', 'Address'], fieldsOf(providers).map(({ name, roles, url }) => [textOf(name), Array.isArray(roles) ? roles.map(textOf).join(', ') : '', link(url, textOf(url))])))}
${section('Dimensions', table('Dimensions of the data cube', ['Name', 'Type', 'Extent or values', 'Step', 'Reference system'], dimensions(collection['cube:dimensions'])))}
${section('Bands', bandTable(bands(summaries)))}
${links(collection)}
${source('Assets', assets)}
${source('Everything', collection)}`,
  };
};

/** Links of a list to its other pages. */
export function pages(document: Fields): Content {
  const words: Readonly<Record<string, string>> = { first: 'First page', prev: 'Previous page', next: 'Next page' };
  const found = fieldsOf(document['links']).filter(({ rel }) => Object.hasOwn(words, textOf(rel)));
  return found.length === 0 ? null : html`<nav aria-label="Pages"><ul>${found.map(({ rel, href }) => html`<li>${link(href, words[textOf(rel)])}</li>`)}</ul></nav>`;
}

function hrefOf(document: Fields, relation: string): unknown {
  return fieldsOf(document['links']).find(({ rel }) => rel === relation)?.['href'];
}

function extentOf(extent: unknown): Record<string, string> {
  const [spatial, temporal] = ['spatial', 'temporal'].map((name) => (isFields(extent) && isFields(extent[name]) ? extent[name] : {}));
  const first = (list: unknown): unknown[] => (Array.isArray(list) && Array.isArray(list[0]) ? list[0] as unknown[] : []);
  const time = first(temporal!['interval']);
  return { 'Bounding box': first(spatial!['bbox']).map(textOf).join(', '), Time: time.length === 2 ? `${textOf(time[0]) || 'open'} to ${textOf(time[1]) || 'now'}` : '' };
}

function dimensions(value: unknown): Content[][] {
  const entries = Object.entries(isFields(value) ? value : {}).filter((entry): entry is [string, Fields] => isFields(entry[1]));
  return entries.map(([name, { type, extent, values, step, reference_system: system }]) => [name, textOf(type), shortList(values ?? extent), textOf(step), firstWords(textOf(system))]);
}

function shortList(value: unknown): string {
  if (!Array.isArray(value)) return textOf(value);
  const shown = value.slice(0, 20).map((each) => textOf(each) || 'open').join(', ');
  return value.length > 20 ? `${shown} and ${value.length - 20} more` : shown;
}

/** Embeddings may have hundreds of bands: those wait until somebody wants to see them. */
function bandTable(rows: readonly Content[][]): Html | null {
  const shown = table('Bands of the data cube', ['Name', 'Description', 'Common name'], rows);
  return rows.length > 20 ? html`<details><summary>${rows.length} bands</summary>${shown}</details>` : shown;
}

function bands(summaries: unknown): Content[][] {
  if (!isFields(summaries)) return [];
  return fieldsOf(summaries['bands'] ?? summaries['eo:bands']).map((band) => [textOf(band['name']), firstWords(band['description']), textOf(band['eo:common_name'] ?? band['common_name'])]);
}
