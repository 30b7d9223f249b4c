/** Items as pages: a page of a list or of a search, and one. */
import { html, link, type Content } from './html.ts';
import { facts, fieldsOf, isFields, links, section, source, table, textOf, type Fields } from './parts.ts';
import { pages } from './collection-pages.ts';
import { firstWords } from './prose.ts';
import type { View } from './view.ts';

export const itemsPage: View = (document) => {
  const items = fieldsOf(document['features']);
  const { numberMatched: matched } = document;
  return {
    title: 'Items',
    body: html`<p>${textOf(matched) === '' ? `${items.length} items on this page` : `${items.length} of ${textOf(matched)} items`}</p>
${table('Items, newest first unless another order was asked for', ['Item', 'Collection', 'Time', 'Clouds', 'State', 'Files'], items.map(rowOf)) ?? html`<p>There are none.</p>`}
${pages(document)}
${source('Everything', document)}`,
  };
};

function rowOf(item: Fields): Content[] {
  const properties = isFields(item['properties']) ? item['properties'] : {};
  const self = fieldsOf(item['links']).find(({ rel }) => rel === 'self')?.['href'];
  return [link(self, textOf(item['id'])), textOf(item['collection']), timeOf(properties), percent(properties['eo:cloud_cover']), textOf(properties['lamina:status']), String(Object.keys(isFields(item['assets']) ? item['assets'] : {}).length)];
}

export const itemPage: View = (item) => {
  const properties = isFields(item['properties']) ? item['properties'] : {};
  const assets = Object.entries(isFields(item['assets']) ? item['assets'] : {}).filter((entry): entry is [string, Fields] => isFields(entry[1]));
  return {
    title: textOf(properties['title']) || textOf(item['id']),
    body: html`${facts({ Id: html`<code>${textOf(item['id'])}</code>`, Collection: textOf(item['collection']), Time: timeOf(properties), 'Bounding box': Array.isArray(item['bbox']) ? item['bbox'].map(textOf).join(', ') : undefined })}
${section('Files', table('Files of the item', ['Name', 'Address', 'Media type', 'Roles', 'Bands'], assets.map(([key, asset]) => [key, link(asset['href'], textOf(asset['title']) || 'open'), textOf(asset['type']), Array.isArray(asset['roles']) ? asset['roles'].map(textOf).join(', ') : '', bandsOf(asset['bands'])])))}
${section('Properties', table('Properties of the item', ['Name', 'Value'], Object.entries(properties).map(([name, value]) => [name, firstWords(textOf(value))])))}
${links(item)}
${source('Everything', item)}`,
  };
};

function timeOf({ datetime, start_datetime: start, end_datetime: end }: Fields): string {
  return textOf(datetime) || (textOf(start) === '' ? '' : `${textOf(start)} to ${textOf(end)}`);
}

const percent = (value: unknown) => (typeof value === 'number' ? `${Math.round(value)} %` : '');

function bandsOf(value: unknown): string {
  const names = fieldsOf(value).map(({ name }) => textOf(name));
  return names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
}
