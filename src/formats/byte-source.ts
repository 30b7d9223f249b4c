/** What all byte sources share: a name for messages, errors, and reading many ranges with few requests. */
import { OpenEOError } from '../errors.ts';

/** `length` bytes from `offset` on. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Spans closer than this are fetched together: reading a gap costs less than another request. */
const LARGEST_GAP = 16 * 1024;
/** A joined request does not grow beyond this, so that memory stays bounded. */
const LARGEST_REQUEST = 8 * 1024 * 1024;

/** The last segment of a path, URL or key, without query: what a message may show. */
export function baseName(id: string): string {
  const path = /^[a-z][a-z0-9+.-]*:/i.test(id) ? id.replace(/[?#].*$/, '') : id;
  const last = path.split('/').findLast((segment) => segment !== '') ?? path;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** The error for a file that can't be understood: FileContentInvalid, naming the file but not where it lies. */
export function unreadable(source: { readonly id: string }, reason: string, cause?: unknown): OpenEOError<'FileContentInvalid'> {
  return new OpenEOError('FileContentInvalid', {}, { detail: `'${baseName(source.id)}' can't be read: ${reason}.`, cause });
}

/** The error for a file that is not there. */
export function missing(id: string, cause?: unknown): OpenEOError<'FileNotFound'> {
  return new OpenEOError('FileNotFound', { file: baseName(id) }, { cause });
}

/**
 * Groups spans into requests: sorted by position, joined when the gap between them is small. Each
 * group lists the indices of its spans in the order given.
 */
export function joinSpans(spans: readonly Span[], largestGap = LARGEST_GAP, largestRequest = LARGEST_REQUEST): (Span & { readonly members: readonly number[] })[] {
  const order = spans.map((_, i) => i).sort((a, b) => spans[a]!.offset - spans[b]!.offset);
  const groups: { offset: number; length: number; members: number[] }[] = [];
  for (const i of order) {
    const { offset, length } = spans[i]!;
    const open = groups.at(-1);
    const end = open ? open.offset + open.length : 0;
    const joined = open ? Math.max(end, offset + length) - open.offset : 0;
    if (open && offset - end <= largestGap && joined <= largestRequest) {
      open.length = joined;
      open.members.push(i);
    } else {
      groups.push({ offset, length, members: [i] });
    }
  }
  return groups;
}
