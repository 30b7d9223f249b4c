/** From a reference to an operator, among those that are known. */
import { OpenEOError } from '../../errors.ts';
import { calledOperator } from '../called-operator.ts';
import type { Operator } from '../operator.ts';
import { parseReference, qualifiedName, type OperatorReference } from '../reference.ts';
import type { ArchiveFacts } from './version-record.ts';
import { chooseVersion, compareVersions, isPrerelease, type KnownVersion, type TagTable } from './versions.ts';

export interface KnownOperator extends KnownVersion {
  readonly operator: Operator;
  /** When it came into its registry, RFC 3339; absent for installed ones. */
  readonly published?: string;
  readonly archive?: ArchiveFacts;
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

/** The operator that a reference means, whatever runtime and parameters it says. Throws OperatorNotFound. */
export function plainAmong(known: ReadonlyMap<string, NamedOperators>, text: string): Operator {
  const reference = parseReference(text);
  const found = chosen(known.get(qualifiedName(reference)), reference);
  if (found) return found.operator;
  throw new OpenEOError('OperatorNotFound', { operator: text }, { detail: `There are: ${namesOf(known) || 'none'}.` });
}

function chosen(named: NamedOperators | undefined, { tag, digest }: OperatorReference): KnownOperator | undefined {
  if (!named) return undefined;
  return digest === undefined ? chooseVersion(named.versions, named.tags, tag) : named.versions.find((version) => version.digest === digest);
}

/** By name, the newest release first, pre-releases after them. Those that were yanked are not offered. */
export function offered(known: ReadonlyMap<string, NamedOperators>): readonly Operator[] {
  const names = [...known.keys()].toSorted();
  return names.flatMap((name) => known.get(name)!.versions.filter(({ isYanked }) => !isYanked).toSorted(releasesFirst).map(({ operator }) => operator));
}

function releasesFirst(a: KnownVersion, b: KnownVersion): number {
  return Number(isPrerelease(a.version)) - Number(isPrerelease(b.version)) || compareVersions(b.version, a.version);
}

/** Long lists are cut: who reads a message wants to see whether he mistyped something. */
function namesOf(known: ReadonlyMap<string, NamedOperators>): string {
  const all = offered(known).map(({ manifest }) => `${qualifiedName(manifest)}:${manifest.version}`);
  return all.length <= 30 ? all.join(', ') : `${all.slice(0, 30).join(', ')} and ${all.length - 30} more`;
}
