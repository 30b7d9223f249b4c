/** openEO's OpenAPI documents out of ../shared, and what their schemas say of a response. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { mended } from './mend.ts';

export const specifications = new URL('../../../../shared/spec/openeo/', import.meta.url).pathname;
const kept = new URL('../../../node_modules/.cache/lamina/', import.meta.url).pathname;

export interface Schema {
  [key: string]: unknown;
}

interface ResponseObject {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly $ref?: string }>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

interface OpenApi extends Schema {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, ResponseObject>> }>>>>;
}

export interface Operation {
  readonly method: string;
  /** As in the document, with variables in braces. */
  readonly path: string;
}

/** The OpenAPI document of a version; a text that says why it can't be had. */
export function readDocument(version: string): OpenApi | string {
  const folder = `${specifications}api-${version}`;
  if (!existsSync(folder)) return `${folder} is absent`;
  if (existsSync(`${folder}/openapi.json`)) return JSON.parse(readFileSync(`${folder}/openapi.json`, 'utf8')) as OpenApi;
  try {
    return readYaml(`${folder}/openapi.yaml`);
  } catch {
    return 'python3 with PyYAML, which reads the document, is absent';
  }
}

/** Reading YAML takes Python seconds, so what comes of it is kept. */
function readYaml(path: string): OpenApi {
  const { mtimeMs, size } = statSync(path);
  const copy = join(kept, `openapi-${Math.round(mtimeMs)}-${size}.json`);
  if (!existsSync(copy)) {
    const convert = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout, default=str)';
    const text = execFileSync('python3', ['-c', convert, path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e8 });
    mkdirSync(kept, { recursive: true });
    writeFileSync(`${copy}.${process.pid}`, text);
    renameSync(`${copy}.${process.pid}`, copy);
  }
  return JSON.parse(readFileSync(copy, 'utf8')) as OpenApi;
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

/** One version of the standard: its operations, and whether a response is as it says. */
export class Standard {
  readonly operations: readonly Operation[];
  readonly #document: OpenApi;
  readonly #ajv: Ajv;
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.#document = document;
    this.operations = Object.entries(document.paths).flatMap(([path, item]) => methods.filter((method) => method in item).map((method) => ({ method, path })));
    // The documents have patterns that need escapes which Unicode expressions refuse.
    this.#ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false, validateSchema: false });
    formats.default(this.#ajv);
    this.#ajv.addFormat('commonmark', true);
    // Map links are templates with {z}/{x}/{y}, as the web map links extension of STAC has them.
    this.#ajv.addFormat('uri', (text) => URL.canParse(text));
    this.#ajv.addSchema({ ...mended(document) as Schema, $id: 'openapi' });
  }

  /** Which operation a request means; its path without the base of the version. */
  operation(method: string, path: string): Operation | null {
    const wanted = method === 'head' ? 'get' : method;
    const found = this.operations.filter((operation) => operation.method === wanted && matches(operation.path, path));
    // '/collections/{collection_id}' matches '/collections/a/queryables' too.
    return found.sort((a, b) => literals(b.path) - literals(a.path))[0] ?? null;
  }

  /** The headers that a response must have. */
  requiredHeaders(operation: Operation, status: number): string[] {
    const { headers = {} } = this.#response(operation, status)?.object ?? {};
    return Object.entries(headers).filter(([, { required }]) => required === true).map(([name]) => name);
  }

  /** The media types that a response may have; null for a status that the operation does not have. */
  mediaTypes(operation: Operation, status: number): string[] | null {
    const response = this.#response(operation, status);
    return response === null ? null : Object.keys(response.object.content ?? {});
  }

  /** What is wrong with the body of a response of a media type. */
  faults(operation: Operation, status: number, mediaType: string, body: unknown): ErrorObject[] {
    const response = this.#response(operation, status);
    const types = Object.keys(response?.object.content ?? {});
    const type = types.find((name) => name === mediaType.split(';')[0]) ?? types.find((name) => name.endsWith('json'));
    return type === undefined ? [] : this.#validate(`openapi#${encodeURI(`${response!.place}/content/${escaped(type)}/schema`)}`, body);
  }

  /** What is wrong with the body of an error, whatever was asked for. */
  errorFaults(body: unknown): ErrorObject[] {
    return this.#validate('openapi#/components/schemas/error', body);
  }

  #validate($ref: string, body: unknown): ErrorObject[] {
    const validate = this.#validators.get($ref) ?? this.#ajv.compile({ $ref });
    this.#validators.set($ref, validate);
    return validate(body) ? [] : validate.errors!;
  }

  #response({ method, path }: Operation, status: number): { object: ResponseObject; place: string } | null {
    const { responses } = this.#document.paths[path]![method]!;
    const key = [String(status), `${String(status)[0]}XX`].find((name) => name in responses);
    if (key === undefined) return null;
    const response = responses[key]!;
    const place = response.$ref?.slice(1) ?? `/paths/${escaped(path)}/${method}/responses/${key}`;
    return { object: response.$ref === undefined ? response : this.#at(place), place };
  }

  #at(place: string): ResponseObject {
    return place.split('/').slice(1).reduce<unknown>((value, part) => (value as Schema)[part], this.#document) as ResponseObject;
  }
}

const standards = new Map<string, Standard | string>();

/** Read once in each process; a text that says why there is none. */
export function standardOf(version: string): Standard | string {
  const known = standards.get(version);
  if (known !== undefined) return known;
  const document = readDocument(version);
  const standard = typeof document === 'string' ? document : new Standard(document);
  standards.set(version, standard);
  return standard;
}

function escaped(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Ids of collections and paths of files may have slashes. */
function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{(collection_id|path)\}/, '.+').replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

function literals(template: string): number {
  return template.replace(/\{\w+\}/g, '').length;
}
