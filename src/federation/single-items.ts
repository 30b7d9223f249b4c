/** Items of a catalog by their ids. A copy that is older than a minute is asked for again, and used where the catalog fails. */
import { AnswerMemory } from '../catalog/answer-memory.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';
import { Refused, type UpstreamClient } from './client.ts';
import type { Converter } from './convert.ts';

export interface SingleItemsOptions {
  readonly client: UpstreamClient;
  readonly converter: Converter;
  /** Below which the items are. */
  readonly url: string;
  /** How long a copy is used without asking, milliseconds; default a minute. */
  readonly freshMs?: number;
}

interface Known {
  readonly item: StacItem;
  readonly etag: string | null;
}

const FRESH_MS = 60_000;
/** Items that are remembered, and bytes of their documents. */
const [CACHED_ITEMS, CACHED_BYTES] = [1000, 16 * 1024 * 1024];

export class SingleItems {
  readonly #options: SingleItemsOptions;
  readonly #memory = new AnswerMemory<Known>(CACHED_ITEMS, CACHED_BYTES);

  constructor(options: SingleItemsOptions) {
    this.#options = options;
  }

  /** null where the catalog has no such item. Throws UpstreamError where it fails and no copy is known. */
  async get(id: string, signal: AbortSignal): Promise<StacItem | null> {
    const kept = this.#memory.look(id);
    if (kept && Date.now() - kept.since < (this.#options.freshMs ?? FRESH_MS)) return kept.answer.item;
    try {
      return await this.#ask(id, kept, signal);
    } catch (error) {
      if (error instanceof Refused) return null;
      return this.copy(id, error);
    }
  }

  /** What was known of an item before the catalog failed. Throws the failure where nothing was. */
  copy(id: string, failure: unknown): StacItem {
    const known = this.#memory.find(id);
    if (!known || !(failure instanceof UpstreamError)) throw failure;
    return known.item;
  }

  async #ask(id: string, kept: { readonly answer: Known; readonly weight: number } | undefined, signal: AbortSignal): Promise<StacItem | null> {
    const { client, converter, url } = this.#options;
    const known = kept?.answer;
    const { status, fields, etag, base, bytes } = await client.ask({ url: `${url}/${encodeURIComponent(id)}`, ...(known?.etag ? { etag: known.etag } : {}) }, signal);
    const isSame = status === 304 && known !== undefined;
    const item = isSame ? known.item : converter.item(fields, base);
    if (item === null || item.id !== id) {
      this.#memory.forget(id);
      return null;
    }
    // An item that did not change comes without its document.
    this.#memory.keep(id, { item, etag: isSame ? (etag ?? known.etag) : etag }, isSame ? kept!.weight : bytes);
    return item;
  }
}
