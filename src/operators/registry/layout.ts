/**
 * Where things lie in a registry of operators. It is a folder of plain files that can be read without Lamina:
 *
 *     operators/catalog.json                                          STAC catalog of all operators
 *     operators/<namespace>/<name>/collection.json                    STAC collection: versions, tags, what was yanked
 *     operators/<namespace>/<name>/tags/<tag>.json                    what a tag means, with its history
 *     operators/<namespace>/<name>/yanked.json                        versions that nobody should begin to use
 *     operators/<namespace>/<name>/versions/<version>/<name>-<version>.tar.gz
 *     operators/<namespace>/<name>/versions/<version>/{operator,item,report}.json, SHA256SUMS
 *     operators/<namespace>/<name>/versions/<version>/SIGNATURE.json  who vouches for it; absent where nobody does
 *
 * A version exists once its SHA256SUMS does. Nothing in its folder ever changes then, but that somebody may sign it; what changes are tags,
 * yanked.json and, derived from all of these, collection.json and catalog.json.
 */

/** Operators without a namespace of their own lie in this one. */
export const USUAL_NAMESPACE = 'library';

export interface OperatorName {
  readonly namespace?: string;
  readonly name: string;
}

export const CATALOG = 'operators/catalog.json';
/** All operators lie below. */
export const OPERATORS = 'operators/';

export const folderOf = ({ namespace = USUAL_NAMESPACE, name }: OperatorName): string => `operators/${namespace}/${name}`;
export const collectionKey = (of: OperatorName): string => `${folderOf(of)}/collection.json`;
export const yankedKey = (of: OperatorName): string => `${folderOf(of)}/yanked.json`;
export const tagsFolder = (of: OperatorName): string => `${folderOf(of)}/tags/`;
export const tagKey = (of: OperatorName, tag: string): string => `${folderOf(of)}/tags/${tag}.json`;
export const versionsFolder = (of: OperatorName): string => `${folderOf(of)}/versions/`;
export const versionKey = (of: OperatorName, version: string, file: string): string => `${versionsFolder(of)}${version}/${file}`;
export const archiveName = ({ name }: OperatorName, version: string): string => `${name}-${version}.tar.gz`;
export const archiveKey = (of: OperatorName, version: string): string => versionKey(of, version, archiveName(of, version));

export const MANIFEST = 'operator.json';
export const ITEM = 'item.json';
export const REPORT = 'report.json';
export const SUMS = 'SHA256SUMS';
export const SIGNATURE = 'SIGNATURE.json';

/** What a key says about an operator: its name, the rest of the path; null for keys of nothing that is ours. */
export function operatorOfKey(key: string): { of: OperatorName; rest: string } | null {
  const [, namespace, name, rest] = /^operators\/([^/]+)\/([^/]+)\/(.+)$/.exec(key) ?? [];
  return namespace === undefined ? null : { of: named(namespace, name!), rest: rest! };
}

/** The usual namespace is not written in names and references. */
export function named(namespace: string, name: string): OperatorName {
  return namespace === USUAL_NAMESPACE ? { name } : { namespace, name };
}
