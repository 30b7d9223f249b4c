/**
 * Looks at every exchange of a service under test: each answer, errors too, must be what openEO's OpenAPI
 * document of that version says. What is wrong comes out when the service is closed; which operations were
 * asked, and how they answered, goes to the report at the end of the run.
 */
import { appendFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { inject } from 'vitest';
import { standardOf } from './documents.ts';
import type { Operation, Standard } from './documents.ts';

export const versions: Readonly<Record<string, string>> = { '1.2': '1.2.0', '1.3': '1.3.0' };

declare module 'vitest' {
  interface ProvidedContext {
    /** The file that recorders write what was exercised to. */
    exchanges: string;
  }
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly version: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** 'get /jobs' → the status codes that it answered with. */
export type Exercised = Map<string, Set<number>>;

export class Recorder {
  /** Version → operations. */
  readonly exercised: ReadonlyMap<string, Exercised> = new Map(Object.values(versions).map((version) => [version, new Map()]));
  readonly problems: string[] = [];

  /** The listener of a server whose exchanges are recorded. */
  listener(app: RequestListener): RequestListener {
    return (request, response) => {
      const { method = 'GET', url = '/' } = request;
      const chunks = collect(response);
      response.once('finish', () => this.#look(method.toLowerCase(), url, response, Buffer.concat(chunks)));
      app(request, response);
    };
  }

  /** @throws an error that lists what was wrong in all exchanges */
  finish(): void {
    const lines = [...this.exercised].flatMap(([version, operations]) => [...operations].flatMap(([operation, statuses]) => [...statuses].map((status) => `${version} ${operation} ${status}\n`)));
    if (lines.length > 0) appendFileSync(inject('exchanges'), lines.join(''));
    if (this.problems.length > 0) throw new Error(`Answers that openEO's OpenAPI document does not allow:\n${[...new Set(this.problems)].slice(0, 30).join('\n')}`);
  }

  #look(method: string, url: string, response: ServerResponse, bytes: Buffer): void {
    const [path, base] = placeOf(url);
    if (path === null) return;
    const asked = base === null ? Object.values(versions) : [versions[base]!];
    for (const version of asked) {
      const standard = standardOf(version);
      if (typeof standard === 'string') continue;
      const exchange: Exchange = { method, path, version, status: response.statusCode, headers: response.getHeaders(), body: unpacked(bytes, response) };
      const problem = faultOf(standard, exchange);
      if (problem !== null) this.problems.push(`${version} ${method} ${path.slice(0, 100)} ${exchange.status}: ${problem}`);
      const operation = standard.operation(method, path);
      if (operation !== null) this.#exercise(version, operation, exchange.status);
    }
  }

  #exercise(version: string, { method, path }: Operation, status: number): void {
    const operations = this.exercised.get(version)!;
    const key = `${method} ${path}`;
    operations.set(key, (operations.get(key) ?? new Set()).add(status));
  }
}

/** The path below the base of a version, and that base; null for what is no part of openEO. The well-known document belongs to both. */
function placeOf(url: string): [path: string | null, base: string | null] {
  const path = url.split('?')[0]!.replace(/\/{2,}/g, '/');
  if (/^(\/openeo)?\/\.well-known\/openeo$/.test(path)) return ['/.well-known/openeo', null];
  const [, base, rest] = /^\/openeo\/(1\.[23])(\/.*)?$/.exec(path) ?? [];
  if (base === undefined) return [null, null];
  return [rest === undefined || rest === '/' ? '/' : rest.replace(/\/$/, ''), base];
}

/** What is wrong with an answer; null when it is right. */
function faultOf(standard: Standard, exchange: Exchange): string | null {
  try {
    return compared(standard, exchange);
  } catch (error) {
    // Broken UTF-8 or JSON, or a schema that can't be compiled: the server must not notice.
    return String(error);
  }
}

function compared(standard: Standard, { method, path, status, headers, body }: Exchange): string | null {
  if (headers['access-control-allow-origin'] === undefined || headers['access-control-expose-headers'] === undefined) return 'the headers for scripts of other origins are missing';
  if (method === 'options') return status === 204 && body.length === 0 ? null : 'OPTIONS is answered with 204 and nothing else';
  // Browsers are sent to a page beside; programs never see that.
  if (status === 303) return typeof headers['location'] === 'string' ? null : '303 names no place';
  if (status === 304) return body.length === 0 ? null : '304 has no body';
  const operation = standard.operation(method, path);
  if (status >= 400) return errorFault(standard, operation, { method, status, headers, body });
  if (operation === null) return null;
  const types = standard.mediaTypes(operation, status === 206 ? 200 : status);
  if (types === null) return 'the operation has no such status';
  const missing = standard.requiredHeaders(operation, status).find((name) => headers[name.toLowerCase()] === undefined);
  if (missing !== undefined) return `the header ${missing} is missing`;
  if (method === 'head' || isHtml(headers) || !types.some((type) => type.endsWith('json'))) return null;
  return bodyFault(headers, body, (value) => standard.faults(operation, status, String(headers['content-type']), value));
}

function errorFault(standard: Standard, operation: Operation | null, { method, status, headers, body }: Omit<Exchange, 'path' | 'version'>): string | null {
  // The standard has this status for what can't be estimated.
  if (status === 500 && !body.includes('"EstimateComplexity"')) return `an unforeseen error: ${body.toString().slice(0, 300)}`;
  if (method === 'head') return null;
  return bodyFault(headers, body, (value) => (operation === null ? standard.errorFaults(value) : standard.faults(operation, status, String(headers['content-type']), value)));
}

function bodyFault(headers: Readonly<Record<string, unknown>>, body: Buffer, faults: (value: unknown) => { instancePath: string; message?: string }[]): string | null {
  const type = String(headers['content-type']);
  if (!/^application\/([\w.-]+\+)?json\b/.test(type)) return `the body is ${type} and not JSON`;
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  const found = faults(JSON.parse(text));
  return found.length === 0 ? null : `${found.slice(0, 5).map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ')}\n    ${text.slice(0, 600)}`;
}

/** Browsers are shown pages; they are no part of the standard. */
function isHtml(headers: Readonly<Record<string, unknown>>): boolean {
  return String(headers['content-type']).startsWith('text/html');
}

/** What is written to a response, as long as it is no large file. */
function collect(response: ServerResponse): Buffer[] {
  const chunks: Buffer[] = [];
  const [write, end] = [response.write.bind(response), response.end.bind(response)] as ((...parts: unknown[]) => never)[];
  const keep = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  response.write = (...parts: unknown[]) => {
    keep(parts[0]);
    return write!(...parts);
  };
  response.end = (...parts: unknown[]) => {
    keep(parts[0]);
    return end!(...parts);
  };
  return chunks;
}

const unpackers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync };

function unpacked(bytes: Buffer, response: ServerResponse): Buffer {
  // Nothing that a client sees of a body comes with HEAD.
  if (bytes.length === 0) return bytes;
  const unpack = unpackers[String(response.getHeader('Content-Encoding'))];
  return unpack === undefined ? bytes : unpack(bytes);
}
