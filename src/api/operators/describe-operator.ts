/** An operator as a JSON document: for programs as it is, for people as a page. */
import type { OperatorParameter } from '../../operators/operator.ts';
import { MANIFEST_SCHEMA_PATH } from '../../operators/manifest-schema.ts';
import { quantizations } from '../../operators/quantize.ts';
import { qualifiedName } from '../../operators/reference.ts';
import type { FoundOperator } from './operators.ts';
import { inputTensor, outputTensor } from './tensors.ts';

export const openApiType = 'application/vnd.oai.openapi+json;version=3.0';

/** Which operators workers of this deployment run. */
export type CanRun = (operator: FoundOperator['operator']) => boolean;

/** The list, and what is in it of each operator. */
export function describeOperators(found: readonly FoundOperator[], base: string, canRun: CanRun) {
  return {
    operators: found.map((each) => ({ ...summaryOf(each, canRun), links: linksOf(each, base) })),
    links: [
      { rel: 'self', href: `${base}/operators`, type: 'application/json' },
      { rel: 'root', href: `${base}/`, type: 'application/json', title: 'Lamina' },
      { rel: 'service', href: `${base}/v2`, type: 'application/json', title: 'The same operators in the Open Inference Protocol' },
      { rel: 'describedby', href: `${base}${MANIFEST_SCHEMA_PATH}`, type: 'application/schema+json', title: 'What an operator.json may hold' },
      { rel: 'service-desc', href: `${base}/v2/api`, type: openApiType, title: 'OpenAPI document' },
    ],
  };
}

/** All that the manifest says, in the order in which one wants to know it. */
export function describeOperator(found: FoundOperator, base: string, canRun: CanRun) {
  const { manifest } = found.operator;
  const { input, patch, halo, output, resources } = manifest;
  return {
    ...summaryOf(found, canRun),
    versions: found.versions,
    input: {
      bands: input.bands, gsd: input.gsd, gsd_range: input.gsd_range, fill: input.fill, patch, halo, min_valid: manifest.min_valid,
      tensor: inputTensor(manifest),
    },
    output: { ...output, codecs: quantizations, tensor: outputTensor(manifest) },
    parameters: (manifest.params ?? []).map(describeParameter),
    ...(resources && { resources }),
    links: linksOf(found, base),
  };
}

function summaryOf({ operator, latest }: FoundOperator, canRun: CanRun) {
  const { manifest, digest, reference, runtime, signedBy, isolated } = operator;
  return {
    name: qualifiedName(manifest),
    version: manifest.version,
    latest,
    title: manifest.title,
    description: manifest.description,
    license: manifest.license,
    kind: manifest.kind,
    runtime,
    is_available: canRun(operator),
    signed_by: signedBy ?? null,
    ...(isolated === undefined ? {} : { isolated_because: isolated }),
    digest,
    reference,
    dimensions: manifest.output.dimensions,
    bands: manifest.input.bands.map(({ name }) => name),
  };
}

/** As parameters of processes are described. */
export function describeParameter({ name, description, type, items, enum: values, minimum, maximum, unit, default: fallback }: OperatorParameter) {
  const facts = Object.entries({ enum: values, minimum, maximum, unit }).filter(([, value]) => value !== undefined);
  return {
    name,
    description,
    schema: { type, ...(type === 'array' ? { items: { type: items ?? 'string', ...Object.fromEntries(facts) } } : Object.fromEntries(facts)) },
    optional: fallback !== undefined,
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

function linksOf({ operator: { manifest } }: FoundOperator, base: string) {
  const name = qualifiedName(manifest);
  const model = `${base}/v2/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(manifest.version)}`;
  return [
    { rel: 'self', href: `${base}/operators/${name}:${manifest.version}`, type: 'application/json', title: manifest.title },
    { rel: 'latest-version', href: `${base}/operators/${name}`, type: 'application/json' },
    { rel: 'collection', href: `${base}/operators`, type: 'application/json', title: 'All operators' },
    { rel: 'model', href: model, type: 'application/json', title: 'Tensors, in the Open Inference Protocol' },
    { rel: 'infer', href: `${model}/infer`, type: 'application/json', title: 'Takes pixels, gives embeddings (POST)' },
  ];
}
