/** An OCI registry over HTTP, as the distribution specification (1.1) has it, with Basic and Bearer authentication. */
import { createReadStream } from 'node:fs';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { OpenEOError } from '../../errors.ts';
import { wholeBody } from '../../storage/whole-body.ts';
import { blobDigest, MANIFEST_TYPE } from './artifact.ts';
import type { OciStore } from './store.ts';

export interface RegistryAddress {
  /** 'https://ghcr.io' */
  readonly origin: string;
  /** Before the names of operators in repositories, without slashes at its ends; '' for none. */
  readonly prefix: string;
  readonly user: string;
  readonly password: string;
}

const IDLE_MS = 30_000;
const PAGE = 1000;
/** So many entries no registry of operators has; one that never comes to an end has them. */
const MOST_PAGES = 100;
/** Manifests have some kilobytes, lists of tags at most this. */
const LARGEST_DOCUMENT = 8 * 2 ** 20;

/**
 * Reads 'oci://host[:port][/prefix]' and 'oci+http://…'; user and password may stand before the host. Registries of this machine are asked
 * without TLS, as other clients do. Throws an Error for anything else.
 */
export function parseRegistryAddress(text: string): RegistryAddress {
  const [, plain, rest] = /^oci(\+http)?:\/\/(.+)$/.exec(text) ?? [];
  // URL knows hosts of known schemes only.
  if (rest === undefined || !URL.canParse(`http://${rest}`)) throw new Error('an OCI registry is written oci://host/prefix');
  const { hostname, host, pathname, username, password } = new URL(`http://${rest}`);
  const isHere = hostname === 'localhost' || (isIP(hostname) === 4 && hostname.startsWith('127.')) || hostname === '[::1]';
  return { origin: `${plain !== undefined || isHere ? 'http' : 'https'}://${host}`, prefix: pathname.replace(/^\/+|\/+$/g, ''), user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** Throws StorageFailure for what the registry can't or won't answer. */
export function distribution(address: RegistryAddress): OciStore {
  const client = new Client(address);
  const inside = (repository: string) => (address.prefix === '' ? repository : `${address.prefix}/${repository}`);
  const path = (repository: string, rest: string) => `/v2/${inside(repository)}/${rest}`;
  return {
    async repositories() {
      const all = await client.list('/v2/_catalog', 'repositories', [400, 401, 403, 404, 405, 501]);
      const below = inside('');
      return all && all.filter((name) => name.startsWith(below)).map((name) => name.slice(below.length));
    },
    async tags(repository) {
      return await client.list(path(repository, 'tags/list'), 'tags', [404]) ?? [];
    },
    async manifest(repository, tag) {
      const answer = await client.ask('GET', path(repository, `manifests/${tag}`), { headers: { Accept: MANIFEST_TYPE }, accept: [404] });
      if (!answer.ok) return null;
      const bytes = await client.bytes(answer);
      const digest = answer.headers.get('docker-content-digest');
      if (digest !== null && digest.startsWith('sha256:') && blobDigest(bytes) !== digest) throw failure('gave a manifest that is not what its digest says');
      return bytes;
    },
    async blob(repository, digest) {
      const answer = await client.ask('GET', path(repository, `blobs/${digest}`), { accept: [404] });
      return answer.ok ? Readable.from(client.body(answer), { objectMode: false }) : null;
    },
    async putBlob(repository, digest, body) {
      if ((await client.ask('HEAD', path(repository, `blobs/${digest}`), { accept: [404] })).ok) return;
      const begun = await client.ask('POST', path(repository, 'blobs/uploads/'));
      const target = new URL(begun.headers.get('location') ?? '', address.origin);
      if (target.origin !== address.origin) throw failure('wants an upload to go to another server');
      target.searchParams.set('digest', digest);
      const length = body instanceof Uint8Array ? body.length : body.size;
      // Made anew for each try: a stream can be sent once.
      const send = () => (body instanceof Uint8Array ? Buffer.from(body) : Readable.toWeb(createReadStream(body.path)) as ReadableStream);
      await client.ask('PUT', `${target.pathname}${target.search}`, { headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) }, body: send });
    },
    async putManifest(repository, tag, bytes) {
      await client.ask('PUT', path(repository, `manifests/${tag}`), { headers: { 'Content-Type': MANIFEST_TYPE }, body: () => Buffer.from(bytes) });
    },
  };
}

interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => Buffer | ReadableStream;
  /** Statuses that are answers too. */
  readonly accept?: readonly number[];
}

class Client {
  readonly #address: RegistryAddress;
  /** What the last challenge was answered with. */
  #authorization: string | null = null;

  constructor(address: RegistryAddress) {
    this.#address = address;
  }

  async ask(method: string, path: string, asking: Asking = {}): Promise<Response> {
    let answer = await this.#send(method, path, asking);
    if (answer.status === 401) {
      await answer.body?.cancel();
      const next = await this.#answerTo(answer.headers.get('www-authenticate') ?? '');
      if (next !== null) {
        this.#authorization = next;
        answer = await this.#send(method, path, asking);
      }
    }
    if (answer.ok) return answer;
    // Nobody reads it, and a connection is free only after its answer.
    await answer.body?.cancel();
    if (asking.accept?.includes(answer.status)) return answer;
    throw failure(answer.status === 401 || answer.status === 403 ? `refuses ${method} (${answer.status}); write user and password before its host` : `answered ${method} with status ${answer.status}`);
  }

  /** All entries of a list, page after page; null where the registry does not give it: a status of `accept`. */
  async list(path: string, name: 'repositories' | 'tags', accept: readonly number[]): Promise<readonly string[] | null> {
    const found: string[] = [];
    let next: string | null = `${path}?n=${PAGE}`;
    for (let page = 0; next !== null; page++) {
      if (page === MOST_PAGES) throw failure(`gives more than ${MOST_PAGES} pages of ${name}`);
      const answer: Response = await this.ask('GET', next, { accept: page === 0 ? accept : [] });
      if (!answer.ok) return null;
      found.push(...(await this.json<Partial<Record<string, string[] | null>> | null>(answer))?.[name] ?? []);
      next = this.#nextOf(answer);
    }
    return found;
  }

  body(answer: Response): AsyncGenerator<Uint8Array, void> {
    const length = answer.headers.get('content-length');
    return wholeBody(answer.body ? Readable.fromWeb(answer.body) : Readable.from([]), length === null ? undefined : Number(length), IDLE_MS);
  }

  async bytes(answer: Response): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.body(answer)) {
      size += piece.length;
      if (size > LARGEST_DOCUMENT) throw failure(`gave more than ${LARGEST_DOCUMENT} bytes for a description`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  async json<T>(answer: Response): Promise<T> {
    const text = (await this.bytes(answer)).toString();
    try {
      return JSON.parse(text) as T;
    } catch {
      // The reason of JSON.parse repeats what came.
      throw failure('gave an answer that is not JSON');
    }
  }

  async #send(method: string, path: string, { headers = {}, body }: Asking): Promise<Response> {
    const content = body?.();
    const authorization = this.#authorization === null ? {} : { Authorization: this.#authorization };
    return reached(`${this.#address.origin}${path}`, { method, headers: { 'Accept-Encoding': 'identity', ...headers, ...authorization }, ...(content === undefined ? {} : { body: content, duplex: 'half' }) } as RequestInit);
  }

  /** Path of the page that follows, by the header Link (RFC 8288). Its host does not count: behind proxies it is often wrong. */
  #nextOf(answer: Response): string | null {
    const link = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(answer.headers.get('link') ?? '')?.[1];
    if (link === undefined || !URL.canParse(link, answer.url)) return null;
    const { pathname, search } = new URL(link, answer.url);
    return `${pathname}${search}`;
  }

  /** null when there is nothing to answer with. */
  async #answerTo(challenge: string): Promise<string | null> {
    const { user, password } = this.#address;
    const basic = user === '' ? null : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    if (!/^bearer /i.test(challenge)) return basic;
    const field = (name: string) => new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(challenge)?.[1];
    const realm = field('realm');
    if (realm === undefined || !URL.canParse(realm)) return null;
    const url = new URL(realm);
    // A password goes nowhere without TLS, but to a registry that was itself named so.
    if (url.protocol !== 'https:' && url.protocol !== new URL(this.#address.origin).protocol) throw failure('wants its password sent without TLS');
    for (const name of ['service', 'scope']) if (field(name) !== undefined) url.searchParams.set(name, field(name)!);
    const answer = await reached(url.href, basic === null ? {} : { headers: { Authorization: basic } });
    if (!answer.ok) {
      await answer.body?.cancel();
      throw failure(`gives no token (${answer.status}); write user and password before its host`);
    }
    const { token, access_token: other } = await this.json<{ token?: string; access_token?: string }>(answer);
    return `Bearer ${token ?? other ?? ''}`;
  }
}

async function reached(url: string, init: RequestInit): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), init.body === undefined ? IDLE_MS : 60 * IDLE_MS);
  try {
    return await fetch(url, { ...init, signal: patience.signal });
  } catch (error) {
    throw failure(patience.signal.aborted ? 'did not answer' : 'can\'t be reached', error);
  } finally {
    clearTimeout(timer);
  }
}

function failure(what: string, cause?: unknown): OpenEOError {
  return new OpenEOError('StorageFailure', {}, { cause, detail: `The OCI registry ${what}.` });
}
