/** Which operators of registries may do what: signed ones may run in the service itself, others in a sandbox, or not at all. */
import { stat } from 'node:fs/promises';
import type { Log } from '../../log.ts';
import { readKeyList } from './key-list.ts';
import type { PublicKey } from './keys.ts';
import { judgeSignatures, reasonOf } from './signature.ts';
import type { Signature, SignedFacts } from './statement.ts';

/**
 * What happens to operators of registries without a signature that counts: 'run' as if they were signed, 'isolate' in a sandbox
 * or container only, 'refuse'.
 */
export type UnsignedPolicy = 'run' | 'isolate' | 'refuse';

export interface TrustSettings {
  /** Absolute path of the list of keys; null: no key is trusted. */
  readonly keys: string | null;
  readonly unsigned: UnsignedPolicy;
  readonly log: Log;
}

/** What one operator may do. At most one of the last two is there. */
export interface Standing {
  /** Whose trusted signature it has. */
  readonly signedBy?: string;
  /** It runs only where it is isolated; why. */
  readonly isolated?: string;
  /** It does not run at all; why. */
  readonly refused?: string;
}

export class Trust {
  readonly #settings: TrustSettings;
  #keys: readonly PublicKey[] = [];
  /** Of the file that the keys were read from. */
  #stamp: string | null = null;
  /** By all that decides; checking a signature costs a tenth of a millisecond. */
  readonly #known = new Map<string, Standing>();

  private constructor(settings: TrustSettings) {
    this.#settings = settings;
  }

  /** Throws KeyFileInvalid: a service whose keys can't be read should not start. */
  static async open(settings: TrustSettings): Promise<Trust> {
    const trust = new Trust(settings);
    if (settings.keys !== null) {
      trust.#keys = await readKeyList(settings.keys);
      trust.#stamp = await stampOf(settings.keys);
    }
    return trust;
  }

  /** False: no signature counts, whosever it is. */
  get hasKeys(): boolean {
    return this.#keys.some(({ revoked }) => !revoked);
  }

  /**
   * Reads the list of keys again when it changed; true when it did. Without a list that can be read no key counts: revoking a key
   * must not fail because of a missing comma.
   */
  async refresh(): Promise<boolean> {
    const { keys, log } = this.#settings;
    if (keys === null) return false;
    const stamp = await stampOf(keys);
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#keys = await readKeyList(keys).catch((error: Error) => {
      log.error(`No key of operators is trusted until this is mended: ${error.message}`);
      return [];
    });
    this.#known.clear();
    return true;
  }

  /** @param isOwn it comes from the object store of the service, which only those who run the service write operators to */
  standingOf(facts: SignedFacts, signatures: readonly Signature[], isOwn: boolean): Standing {
    const id = JSON.stringify([facts, signatures, isOwn]);
    const known = this.#known.get(id) ?? this.#judge(facts, signatures, isOwn);
    this.#known.set(id, known);
    return known;
  }

  #judge(facts: SignedFacts, signatures: readonly Signature[], isOwn: boolean): Standing {
    const { unsigned } = this.#settings;
    const judged = judgeSignatures(facts, signatures, this.#keys);
    const trusted = judged.find(({ verdict }) => verdict === 'trusted');
    if (trusted) return { signedBy: trusted.by!.name };
    if (unsigned === 'refuse') return { refused: reasonOf(judged) };
    // A signature that is wrong or withdrawn is worse than none.
    const isSuspicious = judged.some(({ verdict }) => verdict === 'invalid' || verdict === 'revoked');
    return unsigned === 'run' || (isOwn && !isSuspicious) ? {} : { isolated: reasonOf(judged) };
  }
}

async function stampOf(path: string): Promise<string | null> {
  return stat(path).then(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`, () => null);
}
