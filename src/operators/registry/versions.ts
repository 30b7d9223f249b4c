/** Semantic versions: which is newer, and which one a version or tag of a reference means. */

/** What a list of versions has to say about each. */
export interface KnownVersion {
  readonly version: string;
  /** 'sha256:…' of the manifest. */
  readonly digest: string;
  /** Nobody should begin to use it: ranges and tags pass over it, exact versions and digests do not. */
  readonly isYanked?: boolean;
}

/** Tag → version. */
export type TagTable = Readonly<Record<string, string>>;

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;
const RANGE = /^\d+(\.\d+)?$/;
const TAG = /^[a-z][a-z0-9._-]{0,63}$/i;

/** True for '1.2.3' and '2.0.0-rc1'. */
export const isVersion = (text: string): boolean => VERSION.test(text);
/** True for '2.0.0-rc1'. */
export const isPrerelease = (version: string): boolean => VERSION.exec(version)?.[4] !== undefined;
/** True for what may be the name of a tag: nothing that could be taken for a version. */
export const isTag = (text: string): boolean => TAG.test(text);

/** Order of precedence as semver.org defines it: negative when `a` is older. Texts that are no versions come first. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [VERSION.exec(a), VERSION.exec(b)];
  if (!x || !y) return Number(x !== null) - Number(y !== null);
  for (const part of [1, 2, 3]) {
    const difference = compareNumbers(x[part]!, y[part]!);
    if (difference !== 0) return difference;
  }
  return comparePrereleases(x[4], y[4]);
}

/**
 * The version that a tag of a reference means: absent and 'latest' where the tag points, without such a tag at the newest release;
 * '1' and '1.2' the newest release that begins so; '1.2.3' exactly that; else a tag. undefined when there is none.
 */
export function chooseVersion<V extends KnownVersion>(versions: readonly V[], tags: TagTable, wanted = 'latest'): V | undefined {
  const pointed = Object.hasOwn(tags, wanted) ? versions.find(({ version }) => version === tags[wanted]) : undefined;
  if (pointed && !pointed.isYanked) return pointed;
  if (isVersion(wanted)) return versions.find(({ version }) => version === wanted);
  if (wanted !== 'latest' && !RANGE.test(wanted)) return undefined;
  return newest(versions.filter(({ version, isYanked }) => !isYanked && !isPrerelease(version) && (wanted === 'latest' || `${version}.`.startsWith(`${wanted}.`))));
}

/** For lists: the newest release first, pre-releases behind all releases. */
export function newestFirst(a: string, b: string): number {
  return Number(isPrerelease(a)) - Number(isPrerelease(b)) || compareVersions(b, a);
}

/** The newest of these; undefined for none. */
export function newest<V extends { readonly version: string }>(versions: readonly V[]): V | undefined {
  return versions.toSorted((a, b) => compareVersions(b.version, a.version))[0];
}

/** A version without a pre-release is newer than any with one; identifiers are compared one by one, numbers before texts. */
function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [x, y] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    if (x[i] === undefined || y[i] === undefined) return x.length - y.length;
    const difference = compareIdentifiers(x[i]!, y[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumberA && isNumberB) return compareNumbers(a, b);
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Also for numbers with more digits than a double holds. */
function compareNumbers(a: string, b: string): number {
  const [x, y] = [BigInt(a), BigInt(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
