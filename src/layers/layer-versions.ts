/**
 * Versions of layers (version extension 1.2). The newest has the plain id; the one before it goes on as
 * '<id>.v<N>', deprecated. A layer is another version when its vectors may be others.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StacCollection } from '../catalog/types.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import { definitionOf, type LayerDefinition } from './layer.ts';

/** Id of an older version. */
export function versionedId(base: string, version: number): string {
  return `${base}.v${version}`;
}

/** The number of a layer's version; null for collections without one. */
export function versionOf(collection: StacCollection): number | null {
  const { version } = collection;
  return typeof version === 'string' && /^\d+$/.test(version) ? Number(version) : null;
}

/** The id of the newest version. */
export function baseOf({ id, deprecated }: StacCollection): string {
  return deprecated === true ? id.replace(/\.v\d+$/, '') : id;
}

/** Whether two definitions give the same values everywhere: then one may take the place of the other. */
function givesSameValues(a: LayerDefinition, b: LayerDefinition): boolean {
  const values = ({ sources, operator, process_graph: graph, grid }: LayerDefinition) => ({ sources, operator, graph, grid });
  return isDeepStrictEqual(json(values(a)), json(values(b)));
}

/** Whether a stored layer says exactly what a draft says, but for what was found out when it was published. */
export function isStoredAs(stored: StacCollection, drafted: StacCollection): boolean {
  const written = ({ id, title, description, license, keywords, providers, links, ...rest }: StacCollection) => {
    const { operator: _, has_items: __, ...definition } = definitionOf(rest as StacCollection)!;
    return { id, title, description, license, keywords, providers, links, definition };
  };
  return isDeepStrictEqual(json(written(stored)), json(written(drafted)));
}

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** What takes the place of a layer: the new definition as its next version, and the old one beside it; or the new one alone where it gives the same values. */
export function nextVersion(current: StacCollection, next: StacCollection): readonly [StacCollection] | readonly [StacCollection, older: StacCollection] {
  const number = versionOf(current) ?? 1;
  if (givesSameValues(definitionOf(current)!, definitionOf(next)!)) return [{ ...next, version: String(number) }];
  const older: StacCollection = { ...current, id: versionedId(current.id, number), version: String(number), deprecated: true };
  return [{ ...next, version: String(number + 1) }, older];
}

/** A layer that builds on `from`, made to build on `to` instead: whose source gets a new version, it stays what it was. */
export function rebased(layer: StacCollection, from: string, to: string): StacCollection {
  const definition = definitionOf(layer)!;
  const graph: ProcessGraph = Object.fromEntries(Object.entries(definition.process_graph).map(([id, node]) =>
    [id, node.process_id === 'load_collection' && node.arguments['id'] === from ? { ...node, arguments: { ...node.arguments, id: to } } : node]));
  return { ...layer, 'lamina:layer': { ...definition, sources: definition.sources.map((source) => (source === from ? to : source)), process_graph: graph } };
}
