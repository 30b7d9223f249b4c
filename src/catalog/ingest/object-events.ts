/** Event notifications of object stores, as Amazon S3 and MinIO send them. */

/** That something happened to an object; what there is now must be looked up, because events come twice, late and in any order. */
export interface ObjectEvent {
  readonly bucket: string;
  readonly key: string;
  readonly kind: 'created' | 'removed';
  /** Tells this event from others of the same object. */
  readonly mark: string;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * The events of a notification about created and removed objects; others are left out. null when it is no
 * notification at all. Amazon's test message is one without events.
 */
export function parseEvents(body: unknown): ObjectEvent[] | null {
  const { Records: records, Event: event } = fieldsOf(body);
  if (event === 's3:TestEvent') return [];
  if (!Array.isArray(records)) return null;
  return records.flatMap((record) => eventOf(fieldsOf(record)) ?? []);
}

function eventOf(record: Fields): ObjectEvent | null {
  // Amazon writes 'ObjectCreated:Put', MinIO 's3:ObjectCreated:Put'.
  const [, what] = /^(?:s3:)?Object(Created|Removed):/.exec(textOf(record['eventName'])) ?? [];
  const s3 = fieldsOf(record['s3']);
  const object = fieldsOf(s3['object']);
  const bucket = textOf(fieldsOf(s3['bucket'])['name']);
  const key = decodeKey(textOf(object['key']));
  if (what === undefined || bucket === '' || key === null || key.endsWith('/')) return null;
  const mark = [record['eventTime'], object['sequencer'], object['versionId'], object['eTag']].map(textOf).join(' ');
  return { bucket, key, kind: what === 'Created' ? 'created' : 'removed', mark };
}

/** Keys are encoded like values of a form: a blank is a plus sign. null for one that is not. */
function decodeKey(key: string): string | null {
  try {
    const decoded = decodeURIComponent(key.replaceAll('+', ' '));
    return decoded === '' || decoded.includes('\0') ? null : decoded;
  } catch {
    return null;
  }
}
