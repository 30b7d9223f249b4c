/** What is wrong with the definition of a layer: all of it at once, each fault with its place. */
import { isOpenEOError, OpenEOError, type ErrorCode } from '../errors.ts';

export interface LayerFault {
  /** JSON pointer into the collection, e.g. '/lamina:layer/process_graph/embed/arguments/model'. */
  readonly path: string;
  readonly code: ErrorCode;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** A layer that was not published. Its message names every fault. */
export class LayerInvalid extends OpenEOError<'LayerInvalid'> {
  readonly faults: readonly LayerFault[];

  constructor(layer: string, faults: readonly LayerFault[]) {
    super('LayerInvalid', { layer, reason: faults.map(({ path, message }) => (path === '' ? message : `${path} ${message}`)).join('; ') });
    this.faults = faults;
  }
}

/** A JSON pointer (RFC 6901). */
export function pointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Collects faults. */
export class Faults {
  readonly list: LayerFault[] = [];

  add(path: string, message: string, code: ErrorCode = 'LayerInvalid'): void {
    this.list.push({ path, code, message });
  }

  /** Notes a fault unless the condition holds; gives the condition. */
  expect(holds: boolean, path: string, expected: string): boolean {
    if (!holds) this.add(path, `must be ${expected}`);
    return holds;
  }

  /** Notes every field that is in neither list; the tolerated ones are not told. */
  unknown(object: Readonly<Record<string, unknown>>, known: readonly string[], path = '', tolerated: readonly string[] = []): void {
    for (const key of Object.keys(object)) {
      if (!known.includes(key) && !tolerated.includes(key)) this.add(path + pointer(key), `is unknown; there are ${known.join(', ')}`);
    }
  }

  /** Notes an openEO error that the graph gave; throws every other one. */
  take(error: unknown, graph: string): void {
    if (!isOpenEOError(error)) throw error;
    this.add(graph + placeInGraph(error), error.message, error.code);
  }
}

/** Which argument of a node is to blame for these errors. */
const argumentOf: Partial<Record<ErrorCode, string>> = { OperatorNotFound: 'model', OperatorUntrusted: 'model', OperatorBandsMissing: 'data', OperatorGridUnsuitable: 'data', DimensionMissing: 'data', CollectionNotFound: 'id' };

/** The pointer to the node, and to its argument where the error tells; inner graphs are named in the message. */
function placeInGraph({ code, path, message }: OpenEOError): string {
  const [node, inner] = path;
  if (node === undefined) return '';
  const argument = inner === undefined ? argumentOf[code] ?? /parameter [`'](\w+)[`']/.exec(message)?.[1] : undefined;
  return pointer(node.node_id, ...(argument === undefined ? [] : ['arguments', argument]));
}
