/** GET / of an API as a page: what it can do, and where. */
import { html, link } from './html.ts';
import { facts, fieldsOf, isFields, links, section, source, table, textOf } from './parts.ts';
import { prose } from './prose.ts';
import type { View } from './view.ts';

export const capabilitiesPage: View = (document) => ({
  title: `${textOf(document['title']) || textOf(document['id'])}: ${document['api_version'] === undefined ? 'STAC API' : `openEO API ${textOf(document['api_version'])}`}`,
  body: html`${prose(document['description'])}
${facts({ 'API version': textOf(document['api_version']), 'Back-end version': textOf(document['backend_version']), 'STAC version': textOf(document['stac_version']), Production: typeof document['production'] === 'boolean' ? (document['production'] ? 'yes' : 'no') : undefined })}
${section('Endpoints', table('What can be asked', ['Path', 'Methods'], fieldsOf(document['endpoints']).map(({ path, methods }) => [html`<code>${textOf(path)}</code>`, Array.isArray(methods) ? methods.map(textOf).join(', ') : ''])))}
${links(document)}
${section('Conformance', conformance(document['conformsTo']))}
${isFields(document['billing']) && source('Billing', document['billing'])}`,
});

function conformance(classes: unknown) {
  return Array.isArray(classes) && classes.length > 0 ? html`<ul>${classes.map((each) => html`<li>${link(each)}</li>`)}</ul>` : null;
}
