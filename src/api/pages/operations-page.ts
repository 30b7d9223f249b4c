/** An OpenAPI document for people: its operations, by their tags. */
import { html, link } from './html.ts';
import type { Page } from './layout.ts';
import { fieldsOf, isFields, section, table, textOf, type Fields } from './parts.ts';

/** @param address of the document */
export function operationsPage(document: Fields, address: string): Pick<Page, 'title' | 'body'> {
  const info = isFields(document['info']) ? document['info'] : {};
  const operations = Object.entries(isFields(document['paths']) ? document['paths'] : {}).flatMap(([path, methods]) => Object.entries(isFields(methods) ? methods : {}).flatMap(([method, operation]) => (isFields(operation) ? [{ path, method, operation }] : [])));
  const tags = [...new Set(operations.map(({ operation }) => tagOf(operation)))];
  return {
    title: textOf(info['title']),
    body: html`<p>${textOf(info['description'])}</p>
<p>Programs find the same at ${link(address)} (OpenAPI ${textOf(document['openapi'])}).</p>
${tags.map((tag) => section(tag, table(`What there is for ${tag.toLowerCase()}`, ['Operation', 'What it does', 'Parameters', 'Who may'], operations.filter(({ operation }) => tagOf(operation) === tag).map(({ path, method, operation }) => [
    html`<code>${method.toUpperCase()} ${path}</code>`, textOf(operation['summary']), fieldsOf(operation['parameters']).filter((each) => each['in'] === 'query').map((each) => textOf(each['name'])).join(', '), whoMay(operation['security']),
  ]))))}`,
  };
}

function tagOf(operation: Fields): string {
  return Array.isArray(operation['tags']) ? textOf(operation['tags'][0]) : '';
}

function whoMay(security: unknown): string {
  if (!Array.isArray(security) || security.length === 0) return 'everybody';
  const schemes = security.flatMap((each) => (isFields(each) ? Object.keys(each) : []));
  return security.length > schemes.length ? 'everybody; users see more' : schemes.includes('Basic') ? 'with name and password' : 'users';
}
