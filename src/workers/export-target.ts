/** Which collections somebody may add files to. */
import { invalidArgument, OpenEOError } from '../errors.ts';
import type { StacCollection } from '../catalog/types.ts';
import { definitionOf, filesMarkOf, isVisible, RESULT_COLLECTION } from '../layers/layer.ts';

/** Who exports. */
export interface Exporter {
  /** null: the service itself. */
  readonly user: string | null;
  /** Who may write items of every raw collection. */
  readonly editors: ReadonlySet<string>;
}

/**
 * Throws ProcessParameterInvalid for ids that no exported collection can have, and PermissionsInsufficient
 * for collections that are not the user's. `existing`: what has the id; null: nothing yet.
 */
export function checkTarget(id: string, existing: StacCollection | null, exporter: Exporter): void {
  if (existing) checkExisting(existing, exporter);
  else checkNewId(id);
}

function checkExisting(collection: StacCollection, { user, editors }: Exporter): void {
  const { id } = collection;
  // To who may not see it, it is like any other that is not theirs.
  if (isVisible(collection, user ?? undefined)) {
    if (definitionOf(collection)) throw refused(`'${id}' is a layer: its items are computed, and nothing can be added to them. Choose another id`);
    const layer = filesMarkOf(collection)?.layer;
    if (layer !== undefined) throw refused(`'${id}' holds what is materialised of the layer '${layer}', and nothing else. Choose another id`);
    const owner = filesMarkOf(collection)?.owner;
    if (user === null || owner === user || editors.has(user)) return;
  }
  throw new OpenEOError('PermissionsInsufficient', {}, { detail: `There is a collection '${id}' that is not yours: export to another id, or be named in LAMINA_EDITORS.` });
}

function checkNewId(id: string): void {
  if (!/^[A-Za-z0-9][\w.~-]{0,99}$/.test(id)) throw refused('a new id has letters, digits and _-.~, 100 at most, a letter or digit first');
  if (id === RESULT_COLLECTION) throw refused(`the collection '${id}' is that of all results of jobs, which are in it without being exported. Choose another id`);
  if (/\.(files|v\d+)$/.test(id)) throw refused(`ids that end in '.files' or in a version such as '.v1' are given by the service. Choose another id`);
}

function refused(reason: string): OpenEOError {
  return invalidArgument('export_collection', 'collection', reason);
}
