/** One list out of several: the operators that are installed, then those of the registries, each with what it may do here. */
import { withStanding } from '../called-operator.ts';
import type { Operator } from '../operator.ts';
import { qualifiedName } from '../reference.ts';
import type { Trust } from '../trust/trust.ts';
import { chosen, isBound, type KnownOperator, type NamedOperators } from './resolve.ts';
import { signedFacts } from './signatures.ts';

/** What is asked of a registry. */
interface Entries {
  entries(): Iterable<[string, NamedOperators]>;
}

/**
 * By name. Of one version the first place counts, and so does the first tag of a name; of one content that lies in two places the one that
 * is trusted more. Without `trust` operators of registries may do what installed ones may.
 */
export function mergeOperators(installed: readonly Operator[], places: readonly Entries[], trust: Trust | undefined): ReadonlyMap<string, NamedOperators> {
  const merged = new Map<string, { versions: KnownOperator[]; tags: Record<string, string> }>();
  const at = (name: string) => merged.get(name) ?? merged.set(name, { versions: [], tags: {} }).get(name)!;
  for (const operator of installed) add(at(qualifiedName(operator.manifest)).versions, { version: operator.manifest.version, digest: operator.digest, operator });
  for (const place of places) {
    for (const [name, { versions, tags }] of place.entries()) {
      const merging = at(name);
      for (const version of versions) add(merging.versions, judged(version, trust));
      merging.tags = { ...tags, ...merging.tags };
    }
  }
  return new Map([...merged].map(([name, named]) => [name, withTags(named)]));
}

function add(versions: KnownOperator[], known: KnownOperator): void {
  const same = versions.findIndex(({ version, digest }) => version === known.version && digest === known.digest);
  if (same < 0) versions.push(known);
  else if (isBound(versions[same]!) && !isBound(known)) versions[same] = known;
}

/** With what its signatures are worth here. */
function judged(known: KnownOperator, trust: Trust | undefined): KnownOperator {
  const { operator, archive, signatures = [], isOwn = false } = known;
  if (!trust || !archive) return known;
  const { refused, ...standing } = trust.standingOf(signedFacts(operator.manifest, { ...known, archive }), signatures, isOwn);
  return refused === undefined ? { ...known, operator: withStanding(operator, standing) } : { ...known, refused };
}

/** Each version with the tags that mean it; 'latest' is what the name alone means, also where the registry has no such tag. */
function withTags({ versions, tags }: NamedOperators): NamedOperators {
  const latest = chosen({ versions, tags }, {});
  const tagsOf = (version: KnownOperator) => [...(version === latest ? ['latest'] : []), ...Object.keys(tags).filter((tag) => tag !== 'latest' && tags[tag] === version.version && versions.find((each) => each.version === version.version) === version).toSorted()];
  return { tags, versions: versions.map((version) => ({ ...version, tags: tagsOf(version) })) };
}
