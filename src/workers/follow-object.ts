/** Lane 'backfill', kind 'object': looks at an object that an event told of, and brings the catalog in line with it. */
import { ingestObject, type ObjectIngest, type ObjectOutcome } from '../catalog/ingest/ingest-object.ts';

export interface ObjectTask {
  readonly bucket: string;
  readonly key: string;
}

export function createObjectHandler(parts: ObjectIngest): (task: ObjectTask) => Promise<ObjectOutcome> {
  return ({ bucket, key }) => ingestObject(parts, bucket, key);
}
