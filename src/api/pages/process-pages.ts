/** Processes as pages: the list, and one. */
import { pages } from './collection-pages.ts';
import { html, type Content } from './html.ts';
import { fieldsOf, isFields, links, section, source, table, textOf, type Fields } from './parts.ts';
import { firstWords, prose } from './prose.ts';
import type { View } from './view.ts';

export const processesPage: View = (document, { here }) => ({
  title: 'Processes',
  body: html`${table(`Predefined processes, version ${textOf(document['version'])} of the standard`, ['Process', 'Summary', 'Categories'], fieldsOf(document['processes']).map(({ id, summary, description, categories, experimental }) => [
    html`<a href="${`${here}/backend/${encodeURIComponent(textOf(id))}`}"><code>${textOf(id)}</code></a>`, [textOf(summary) || firstWords(description), experimental === true && ' (experimental)'], Array.isArray(categories) ? categories.map(textOf).join(', ') : '',
  ]))}
${pages(document)}`,
});

export const processPage: View = (process) => ({
  title: textOf(process['id']),
  body: html`${prose(process['summary'])}
${prose(process['description'])}
${section('Parameters', table('What the process is given', ['Name', 'Type', 'Description', 'Default'], fieldsOf(process['parameters']).map(parameter)))}
${isFields(process['returns']) ? section('Result', html`<p>${typeOf(process['returns']['schema'])}</p>${prose(process['returns']['description'])}`) : null}
${section('Errors', table('How it may fail', ['Code', 'Meaning'], Object.entries(isFields(process['exceptions']) ? process['exceptions'] : {}).map(([code, value]) => [code, isFields(value) ? textOf(value['description'] ?? value['message']) : ''])))}
${links(process)}
${source('Examples', process['examples'])}
${source('Process graph', process['process_graph'])}
${source('Everything', process)}`,
});

function parameter({ name, schema, description, optional, default: fallback }: Fields): Content[] {
  return [html`<code>${textOf(name)}</code>`, typeOf(schema), prose(description), optional === true ? html`<code>${fallback === undefined || fallback === null ? 'null' : textOf(fallback)}</code>` : 'must be given'];
}

/** 'number', 'raster-cube', 'number or null'. */
function typeOf(schema: unknown): string {
  const words = (Array.isArray(schema) ? schema : [schema]).filter(isFields).flatMap(({ type, subtype }) => (subtype === undefined ? type : subtype)).map(textOf);
  return [...new Set(words)].filter((word) => word !== '').join(' or ') || 'anything';
}
