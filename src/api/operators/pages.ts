/** Operators as pages: the list, and one. */
import { html, link, type Content } from '../pages/html.ts';
import { facts, fieldsOf, isFields, links, section, source, table, textOf, type Fields } from '../pages/parts.ts';
import { prose } from '../pages/prose.ts';
import type { View } from '../pages/view.ts';

export const operatorsPage: View = (document) => ({
  title: 'Operators',
  body: html`<p>AI-compressors of this service: each turns the pixels of some bands into embeddings, one vector for a patch. Use them in a process graph with <code>compress_embed</code>, or call them directly.</p>
${table('The newest version of each', ['Operator', 'Title', 'Bands', 'Numbers', 'Runs in', 'Licence'], fieldsOf(document['operators']).map((operator) => [
    link(linkOf(operator, 'self'), html`<code>${textOf(operator['name'])}:${textOf(operator['version'])}</code>`),
    [textOf(operator['title']), operator['is_available'] === false && ' (not here)'],
    list(operator['bands']), textOf(operator['dimensions']), textOf(operator['runtime']), textOf(operator['license']),
  ]))}
${links(document)}`,
});

export const operatorPage: View = (operator) => {
  const [input, output] = [fields(operator['input']), fields(operator['output'])];
  return {
    title: textOf(operator['title']),
    body: html`${prose(operator['description'])}
${facts({
    Name: html`<code>${textOf(operator['name'])}:${textOf(operator['version'])}</code>`,
    'Runs in': operator['is_available'] === false ? `${textOf(operator['runtime'])}, which this service does not offer` : textOf(operator['runtime']),
    Licence: textOf(operator['license']), Digest: html`<code>${textOf(operator['digest'])}</code>`, Versions: list(operator['versions']),
  })}
${section('Input', html`${facts({
    Resolution: `${textOf(input['gsd'])} m (${list(input['gsd_range'], ' to ')} m)`, Patch: `${textOf(input['patch'])} × ${textOf(input['patch'])} pixels`,
    Surroundings: `${textOf(input['halo'])} pixels on each side`, 'No-data is replaced by': textOf(input['fill']), 'Valid pixels needed': textOf(input['min_valid']), Tensor: tensor(input['tensor']),
  })}${table('Bands, in this order', ['Name', 'Common name', 'Wavelength (µm)'], fieldsOf(input['bands']).map(({ name, common_name: common, center_wavelength: wavelength }) => [textOf(name), textOf(common), textOf(wavelength)]))}`)}
${section('Output', facts({
    Numbers: textOf(output['dimensions']), Length: output['norm'] === 'unit' ? 'every vector has length 1' : '',
    Shortening: output['prefix_truncatable'] === true ? 'the first numbers are an embedding of their own' : '', Codecs: list(output['codecs']), Tensor: tensor(output['tensor']),
  }))}
${section('Parameters', table('What may be set', ['Name', 'Type', 'Description', 'Default'], fieldsOf(operator['parameters']).map(parameter)))}
${section('Call it', html`<pre tabindex="0"><code>${example(operator, input)}</code></pre>`)}
${links(operator)}
${source('Everything', operator)}`,
  };
};

function parameter({ name, schema, description, optional, default: fallback }: Fields): Content[] {
  const { type, items, ...limits } = fields(schema);
  const range = Object.entries({ ...limits, ...(isFields(items) ? items : {}) }).map(([word, value]) => `${word} ${textOf(value)}`).join(', ');
  return [html`<code>${textOf(name)}</code>`, [textOf(type), range !== '' && ` (${range})`], prose(description), optional === true ? html`<code>${textOf(fallback)}</code>` : 'must be given'];
}

function tensor(value: unknown): Content {
  const { name, datatype, shape } = fields(value);
  return html`<code>${textOf(name)}</code>: ${textOf(datatype)} ${textOf(shape)}`;
}

/** One patch of zeros: what a first try looks like. */
function example(operator: Fields, input: Fields): string {
  const edge = Number(input['patch']) + 2 * Number(input['halo']);
  const { name, shape } = fields(input['tensor']);
  const bands = Array.isArray(shape) ? Number(shape[1]) : 1;
  return `import requests

pixels = {"name": "${textOf(name)}", "datatype": "FP32", "shape": [1, ${bands}, ${edge}, ${edge}], "data": [0.0] * ${bands * edge * edge}}
answer = requests.post("${textOf(linkOf(operator, 'infer'))}", json={"inputs": [pixels]}, headers={"Authorization": "Bearer TOKEN"})
embedding = answer.json()["outputs"][0]["data"]`;
}

function linkOf(document: Fields, relation: string): unknown {
  return fieldsOf(document['links']).find(({ rel }) => rel === relation)?.['href'];
}

const fields = (value: unknown): Fields => (isFields(value) ? value : {});
const list = (value: unknown, between = ', ') => (Array.isArray(value) ? value.map(textOf).join(between) : '');
