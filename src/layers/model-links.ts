/** Links from embeddings to the operator that makes them, which is an item of the catalog with MLM. */
import type { StacLink } from '../catalog/types.ts';
import type { Operator } from '../operators/operator.ts';
import { itemId, mlmName } from '../operators/registry/stac-item.ts';
import { OPERATOR_COLLECTION } from './operator-items.ts';

/** As the embeddings extension and MLM want them; paths of the service. None without an operator. */
export function modelLinks(operator: Operator | null): StacLink[] {
  if (!operator) return [];
  const { manifest } = operator;
  const href = `/stac/collections/${OPERATOR_COLLECTION}/items/${encodeURIComponent(itemId(manifest, manifest.version))}`;
  const model = { href, type: 'application/geo+json', title: manifest.name };
  return [{ rel: 'emb:model', ...model }, { rel: 'derived_from', ...model, 'mlm:name': mlmName(manifest) }];
}
