/** Operators by their digest: the manifest at once, the files when they are wanted, from whichever registry has them. */
import { digest as digestOf } from '../../cube/digest.ts';
import type { Log } from '../../log.ts';
import { plainOperator } from '../called-operator.ts';
import { parseManifest } from '../manifest.ts';
import type { Operator, OperatorManifest } from '../operator.ts';
import { qualifiedName } from '../reference.ts';
import { fetchPackage, type PackageSource } from './fetch-package.ts';
import { MANIFEST, versionKey } from './layout.ts';
import type { NodeCache } from './node-cache.ts';
import type { RememberedPlace } from './remembered.ts';

/** A version as a registry lists it. */
export type ListedPackage = Omit<PackageSource, 'place'> & { readonly digest: string };

export class KnownPackages {
  readonly #cache: NodeCache;
  readonly #log: Log;
  readonly #operators = new Map<string, Operator>();
  readonly #sources = new Map<string, PackageSource[]>();

  constructor(cache: NodeCache, log: Log) {
    this.#cache = cache;
    this.#log = log;
  }

  /** The operator that a registry lists; its manifest is read once per machine. Throws an Error that says what is wrong with it. */
  async operator(remembered: RememberedPlace, { digest, of, version, archive }: ListedPackage): Promise<Operator> {
    const { place } = remembered;
    const sources = this.#sources.get(digest) ?? [];
    if (!sources.some((source) => source.place === place)) this.#sources.set(digest, [...sources, { place, of, version, archive }]);
    const known = this.#operators.get(digest);
    if (known) return known;
    const manifest = await this.#cached(digest) ?? await listed(remembered, versionKey(of, version, MANIFEST), digest);
    if (qualifiedName(manifest) !== qualifiedName(of) || manifest.version !== version) throw new Error('its manifest has another name or version');
    const operator = plainOperator(manifest, () => this.#cache.folder(digest, (folder) => this.#fetch(digest, manifest, folder)));
    this.#operators.set(digest, operator);
    return operator;
  }

  /** null where the machine has none, or a damaged one, which is fetched again with the files. */
  async #cached(digest: string): Promise<OperatorManifest | null> {
    const text = await this.#cache.manifest(digest);
    try {
      return text === null ? null : checked(text, digest);
    } catch {
      return null;
    }
  }

  #fetch(digest: string, manifest: OperatorManifest, folder: string): Promise<void> {
    return fetchPackage(this.#sources.get(digest) ?? [], { name: `${qualifiedName(manifest)}:${manifest.version}`, digest }, folder, this.#log);
  }
}

async function listed(place: RememberedPlace, key: string, digest: string): Promise<OperatorManifest> {
  const text = await place.once(key);
  if (text === null) throw new Error('its manifest is missing');
  try {
    return checked(text, digest);
  } catch (error) {
    await place.forget(key);
    throw error;
  }
}

function checked(text: string, digest: string): OperatorManifest {
  const manifest = parseManifest(text, MANIFEST);
  if (digestOf(manifest) !== digest) throw new Error('its manifest is not the one that was published');
  return manifest;
}
