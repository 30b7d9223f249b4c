/** Items of a layer as the database can compare them: which of their properties are always the same, and which the stored item has. */
import type { ItemQuery, ItemView } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';

/** Told by every item on its own; `describeLayerItem` passes them on. */
const passedOn = ['datetime', 'start_datetime', 'end_datetime'];
/** Told by the state of an item, see layer-state.ts. */
const ofState = ['lamina:status', 'lamina:reason', 'lamina:cached', 'updated', 'processing:datetime'];

/** Whether a search looks into properties at all: without that nobody needs a view. */
export function needsView({ where, sortby, filter }: ItemQuery): boolean {
  return filter !== undefined || (where?.length ?? 0) > 0 || (sortby?.length ?? 0) > 0;
}

/** @param shown what the layer makes of one of its stored items */
export function viewOf(stored: StacItem, shown: StacItem, hasStates: boolean): ItemView {
  const isKept = (name: string) => passedOn.includes(name) || (name === 'proj:code' && stored.properties[name] === shown.properties[name]);
  const constant = Object.entries(shown.properties).filter(([name]) => !isKept(name) && !ofState.includes(name));
  return {
    source: stored.collection,
    collection: shown.collection,
    properties: Object.fromEntries(constant),
    kept: [...passedOn, ...(isKept('proj:code') ? ['proj:code'] : [])],
    hasStates,
  };
}
