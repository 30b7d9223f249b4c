/** What a catalog can do, asked once in a while; and what it does not take although it says so. */
import { readCapabilities, type Capabilities } from './capabilities.ts';
import { Refused, type UpstreamClient } from './client.ts';

/** What a catalog can do is asked again after so long. */
const CAPABILITIES_MS = 3600_000;

export interface CapabilitiesOptions {
  readonly client: UpstreamClient;
  /** The catalog. */
  readonly url: string;
  /** Ids of the collection, here and there. */
  readonly collection: { readonly own: string; readonly theirs: string };
}

export class KnownCapabilities {
  readonly #options: CapabilitiesOptions;
  #known: { readonly value: Promise<Capabilities>; readonly since: number } | null = null;
  /** Until when only the core of the standard is asked for, because the catalog refused more than that. */
  #plainUntil = 0;

  constructor(options: CapabilitiesOptions) {
    this.#options = options;
  }

  /** As the catalog says. Throws UpstreamError. */
  async said(signal: AbortSignal): Promise<Capabilities> {
    if (this.#known && Date.now() - this.#known.since < CAPABILITIES_MS) return this.#known.value;
    const known = { value: this.#read(signal), since: Date.now() };
    this.#known = known;
    return known.value.catch((error: unknown) => {
      if (this.#known === known) this.#known = null;
      throw error;
    });
  }

  /** Asks in all the words that the catalog says it knows, and in plain ones when it refuses those. */
  async asking<T>(signal: AbortSignal, work: (can: Capabilities) => Promise<T>): Promise<T> {
    const can = await this.said(signal);
    const plain: Capabilities = { ...can, query: false, sort: false, filter: null };
    if (Date.now() < this.#plainUntil) return work(plain);
    try {
      return await work(can);
    } catch (error) {
      if (!(error instanceof Refused) || (!can.query && !can.sort && can.filter === null)) throw error;
      const result = await work(plain);
      // Only now it is known that the words were the reason.
      this.#plainUntil = Date.now() + CAPABILITIES_MS / 6;
      return result;
    }
  }

  async #read(signal: AbortSignal): Promise<Capabilities> {
    const { client, url, collection } = this.#options;
    const landing = await client.ask({ url }, signal);
    return readCapabilities(url, collection, landing, async () => (await client.ask({ url: `${url}/conformance` }, signal)).fields);
  }
}
