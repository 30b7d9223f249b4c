/** From a reference to an operator, among those that are known. */
import { OpenEOError } from '../../errors.ts';
import { calledOperator } from '../called-operator.ts';
import type { Operator } from '../operator.ts';
import { parseReference, qualifiedName, type OperatorReference } from '../reference.ts';
import type { Signature } from '../trust/statement.ts';
import type { ArchiveFacts } from './version-record.ts';
import { chooseVersion, newestFirst, type KnownVersion, type TagTable } from './versions.ts';

export interface KnownOperator extends KnownVersion {
  readonly operator: Operator;
  /** When it came into its registry, RFC 3339; absent for installed ones. */
  readonly published?: string;
  readonly archive?: ArchiveFacts;
  /** As its registry lists them. */
  readonly signatures?: readonly Signature[];
  /** It is in the service's own object store. */
  readonly isOwn?: boolean;
  /** Why this service does not run it. */
  readonly refused?: string;
  /** Tags that mean it here, 'latest' first. */
  readonly tags?: readonly string[];
  /** Where others can fetch the archive; see `Place`. */
  readonly href?: string | null;
}

/** What is known of the operators of one name. */
export interface NamedOperators {
  readonly versions: readonly KnownOperator[];
  readonly tags: TagTable;
}

/**
 * The operator that a reference means, with its runtime and parameters. Throws OperatorNotFound, naming the operators there are, and
 * ProcessParameterInvalid for parameters that it does not take.
 */
export function resolveAmong(known: ReadonlyMap<string, NamedOperators>, text: string, options?: Readonly<Record<string, unknown>>): Operator {
  return calledOperator(plainAmong(known, text), parseReference(text), options);
}

/** The operator that a reference means, whatever runtime and parameters it says. Throws OperatorNotFound, and OperatorUntrusted for one that the service does not run. */
export function plainAmong(known: ReadonlyMap<string, NamedOperators>, text: string): Operator {
  const reference = parseReference(text);
  const named = known.get(qualifiedName(reference));
  const found = named && chosen(named, reference);
  if (found?.refused !== undefined) throw new OpenEOError('OperatorUntrusted', { operator: `${qualifiedName(reference)}:${found.version}`, reason: found.refused });
  if (found) return found.operator;
  throw new OpenEOError('OperatorNotFound', { operator: text }, { detail: `There are: ${namesOf(known) || 'none'}.` });
}

/** The version that a tag or digest means. Tags and ranges pass over what is not trusted, as long as there is anything else. */
export function chosen({ versions, tags }: NamedOperators, { tag, digest }: Pick<OperatorReference, 'tag' | 'digest'>): KnownOperator | undefined {
  if (digest !== undefined) return versions.find((version) => version.digest === digest);
  return chooseVersion(versions.filter(({ refused }) => refused === undefined), tags, tag) ?? chooseVersion(versions, tags, tag);
}

/** True for what may not run everywhere. */
export const isBound = ({ operator, refused }: KnownOperator): boolean => operator.isolated !== undefined || refused !== undefined;

/** By name: first what the name alone means, then the newest release first, pre-releases after them. Those that were yanked or are not trusted are not offered. */
export function offered(known: ReadonlyMap<string, NamedOperators>): readonly Operator[] {
  return [...known.keys()].toSorted().flatMap((name) => offeredVersions(known.get(name)!)).map(({ operator }) => operator);
}

/** Those of one name, in that order. */
function offeredVersions(named: NamedOperators): readonly KnownOperator[] {
  const latest = chosen(named, {});
  const isFirst = (version: KnownOperator) => Number(version !== latest);
  return named.versions.filter(({ isYanked, refused }) => !isYanked && refused === undefined).toSorted((a, b) => isFirst(a) - isFirst(b) || newestFirst(a.version, b.version));
}

/** Long lists are cut: who reads a message wants to see whether he mistyped something. */
function namesOf(known: ReadonlyMap<string, NamedOperators>): string {
  const all = offered(known).map(({ manifest }) => `${qualifiedName(manifest)}:${manifest.version}`);
  return all.length <= 30 ? all.join(', ') : `${all.slice(0, 30).join(', ')} and ${all.length - 30} more`;
}
