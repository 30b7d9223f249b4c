/** The OpenAPI 3.0 document of the operators: every one with its own path, tensors and parameters, made from the manifests. */
import type { OperatorManifest } from '../../operators/operator.ts';
import { qualifiedName } from '../../operators/reference.ts';
import { describeParameter } from './describe-operator.ts';
import type { FoundOperator } from './operators.ts';
import { inputTensor, MAX_BLOCKS, outputTensor, type TensorDescription } from './tensors.ts';

type Json = Readonly<Record<string, unknown>>;

const text: Json = { type: 'string' };
const flag: Json = { type: 'boolean' };
const shape: Json = { type: 'array', items: { type: 'integer' } };
const named = (name: string, description: string): Json => ({ name, in: 'path', required: true, description, schema: text });
const listOf = (items: Json): Json => ({ type: 'array', items });
const objectOf = (properties: Json, required = Object.keys(properties)): Json => ({ type: 'object', properties, ...(required.length > 0 ? { required } : {}) });
const json = (description: string, schema: Json): Json => ({ description, content: { 'application/json': { schema } } });
const failure: Json = json('What went wrong; `error` is for clients of the protocol, the rest as everywhere in this service', { $ref: '#/components/schemas/error' });

/** @param base URL of the service */
export function describeApi(found: readonly FoundOperator[], base: string, version: string): Json {
  return {
    openapi: '3.0.3',
    info: { title: 'Operators', description: 'AI-compressors of this service, described and called in the Open Inference Protocol.', version },
    servers: [{ url: base }],
    paths: { ...questions, ...Object.fromEntries(found.map(inferencePath)) },
    components: {
      schemas: {
        error: objectOf({ error: text, id: text, code: text, message: text }),
        tensor: objectOf({ name: text, datatype: text, shape }),
        model: objectOf({ name: text, versions: listOf(text), platform: text, inputs: listOf({ $ref: '#/components/schemas/tensor' }), outputs: listOf({ $ref: '#/components/schemas/tensor' }) }),
      },
      securitySchemes: { Bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

const question = (operationId: string, summary: string, schema: Json, parameters: readonly Json[] = []): Json => ({
  get: { operationId, summary, ...(parameters.length > 0 ? { parameters } : {}), responses: { 200: json(summary, schema), default: failure } },
});

const model = named('name', 'Name of the operator, with its namespace if it has one');
const version = named('version', 'Version, or the beginning of one');

const questions: Json = {
  '/operators': question('list-operators', 'All operators, the newest version of each', objectOf({ operators: listOf({ type: 'object' }), links: listOf({ type: 'object' }) })),
  '/operators/{reference}': question('describe-operator', 'One operator', { type: 'object' }, [named('reference', 'name, name:version or name@sha256:…')]),
  '/v2': question('server-metadata', 'Name, version and extensions of the server', objectOf({ name: text, version: text, extensions: listOf(text) })),
  '/v2/health/live': question('server-live', 'Whether the server lives', objectOf({ live: flag })),
  '/v2/health/ready': question('server-ready', 'Whether the server can be given work (503 if not)', objectOf({ ready: flag })),
  '/v2/models': question('list-models', 'Names of all models', objectOf({ models: listOf(text) })),
  '/v2/models/{name}': question('model-metadata', 'Versions and tensors of a model', { $ref: '#/components/schemas/model' }, [model]),
  '/v2/models/{name}/ready': question('model-ready', 'Whether the service runs the model (503 if not)', objectOf({ name: text, ready: flag }), [model]),
  '/v2/models/{name}/versions/{version}': question('model-version-metadata', 'Versions and tensors of a model', { $ref: '#/components/schemas/model' }, [model, version]),
  '/v2/models/{name}/versions/{version}/ready': question('model-version-ready', 'Whether the service runs the version (503 if not)', objectOf({ name: text, ready: flag }), [model, version]),
};

/** One path for each operator, because each has tensors and parameters of its own. */
function inferencePath({ operator: { manifest } }: FoundOperator): [string, Json] {
  const name = qualifiedName(manifest);
  const post = {
    operationId: `infer-${name.replace('/', '-')}`,
    summary: manifest.title,
    description: manifest.description,
    security: [{ Bearer: [] }],
    requestBody: { required: true, content: { 'application/json': { schema: requestSchema(manifest) } } },
    responses: { 200: json('The embeddings', answerSchema(manifest)), default: failure },
  };
  return [`/v2/models/${encodeURIComponent(name)}/infer`, { post }];
}

function requestSchema(manifest: OperatorManifest): Json {
  const { patch, halo, input, params = [] } = manifest;
  const described = params.map(describeParameter);
  const required = described.filter(({ optional }) => !optional).map(({ name }) => name);
  const parameters = objectOf(Object.fromEntries(described.map(({ name, description, schema, default: fallback }) => [name, { ...schema, description, ...(fallback === undefined || fallback === null ? {} : { default: fallback }) }])), required);
  const bands = input.bands.map(({ name }) => name).join(', ');
  return objectOf({
    id: text,
    inputs: { ...listOf(tensorSchema(inputTensor(manifest), ['FP32', 'FP64', 'UINT8', 'UINT16', 'INT16', 'UINT32', 'INT32'])), minItems: 1, maxItems: 1, description: `Up to ${MAX_BLOCKS} blocks of the bands ${bands}; rows and columns are a multiple of ${patch} and ${2 * halo} more` },
    parameters,
  }, ['inputs', ...(required.length > 0 ? ['parameters'] : [])]);
}

function answerSchema(manifest: OperatorManifest): Json {
  return objectOf({ model_name: text, model_version: text, id: text, outputs: listOf(tensorSchema(outputTensor(manifest), ['FP32'])) }, ['model_name', 'model_version', 'outputs']);
}

function tensorSchema({ name, shape: wanted }: TensorDescription, datatypes: readonly string[]): Json {
  return objectOf({
    name: { type: 'string', enum: [name] },
    datatype: { type: 'string', enum: datatypes },
    shape: { ...shape, minItems: wanted.length, maxItems: wanted.length, description: `[${wanted.map((length) => (length < 0 ? '*' : length)).join(', ')}]` },
    data: { ...listOf({ type: 'number' }), description: 'Row by row' },
  });
}
