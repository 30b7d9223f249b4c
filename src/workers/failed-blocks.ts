/**
 * Blocks of a batch job that can't be computed. The others are computed all the same, so that they are there when the job is started
 * again; the job itself fails, and its log has a record of each. Failures that are all alike end it early: then it is the operator or
 * the machine, and not the data (docs/adr/0038-failed-blocks.md).
 */
import { isOpenEOError, markStage, OpenEOError, stageOf, type Stage } from '../errors.ts';
import type { Log } from '../log.ts';
import { isPoison, reasonOf } from '../layers/block-catalog.ts';
import { footprintOf, isEmbedSource, labelsAt, type BlockSource } from '../layers/block-source.ts';
import type { BlockFailures, BlockWish, WantedBlock } from '../layers/embed-blocks.ts';

/** Failures that get a record of their own. */
const MOST_TOLD = 100;
/** Alike, and without a block that was computed in between. */
const MOST_IN_A_ROW = 5;

export class FailedBlocks implements BlockFailures {
  readonly since: number;
  readonly #log: Log;
  readonly #alike = { kind: '', count: 0 };
  /** One block may be wanted by several windows. */
  readonly #known = new Set<string>();
  #computed = 0;
  #first: unknown = null;
  /** Why the rest is not tried. */
  #end: OpenEOError | null = null;

  /** @param since when the run was asked for, in milliseconds since 1970: what failed before is tried again */
  constructor(log: Log, since: number) {
    this.#log = log;
    this.since = since;
  }

  get count(): number {
    return this.#known.size;
  }

  /** A block was computed: the failures so far are not all there is. */
  computed(): void {
    this.#computed++;
    this.#alike.count = 0;
  }

  note(block: WantedBlock, { layer }: Pick<BlockWish, 'layer'>, error: unknown): void {
    if (this.#end) throw this.#end;
    if (!isPoison(error) && !isOfFile(error)) throw error;
    const facts = factsOf(block, layer);
    const name = JSON.stringify([facts.operator, facts.layer, facts.block, facts.position]);
    if (this.#known.has(name)) return;
    this.#known.add(name);
    this.#first ??= error;
    this.#tell(facts, error);
    // That of thousands of files some are damaged says nothing of the others, and is found out at once.
    if (!isOfFile(error)) this.#countAlike(error);
  }

  /** Throws what the run failed with, if a block failed. `cause`: an error that came of the gaps they left. */
  check(cause: unknown = this.#first): void {
    if (this.#end) throw this.#end;
    if (this.count === 0) return;
    const blocks = this.count === 1 ? 'One block' : `${this.count} blocks`;
    const told = this.count > MOST_TOLD ? ` the first ${MOST_TOLD}` : '';
    const detail = `${blocks} could not be computed; the log names${told || (this.count === 1 ? ' it' : ' them')} with the reason. ${this.#computed} blocks were computed and are kept: when the job is started again, only what failed is computed anew.`;
    throw this.#final(detail, cause);
  }

  #tell({ where, ...facts }: ReturnType<typeof factsOf>, error: unknown): void {
    if (this.count > MOST_TOLD) return;
    const code = error instanceof OpenEOError ? error.code : 'Internal';
    this.#log.error(`The block ${where} could not be computed: ${reasonOf(error)}`, { code, data: { stage: stageOfBlock(error), ...facts } });
    if (this.count === MOST_TOLD) this.#log.warning(`${MOST_TOLD} blocks have failed; further ones are counted, and not named.`);
  }

  #countAlike(error: unknown): void {
    const kind = kindOf(error);
    this.#alike.count = kind === this.#alike.kind ? this.#alike.count + 1 : 1;
    this.#alike.kind = kind;
    if (this.#alike.count < MOST_IN_A_ROW) return;
    this.#end = this.#final(`${MOST_IN_A_ROW} blocks in a row failed alike, so the rest was not tried: ${reasonOf(error)} Blocks that were computed are kept.`, error);
    throw this.#end;
  }

  #final(detail: string, cause: unknown): OpenEOError {
    const error = new OpenEOError('Internal', { message: 'the job can\'t be finished.' }, { detail, cause, isFinal: true });
    if (cause instanceof OpenEOError) error.path = cause.path;
    return markStage(error, stageOfBlock(cause));
  }
}

/** Where a block lies and what was to be done there. */
function factsOf({ source, index, position }: WantedBlock, layer: string | null) {
  const bbox = footprintOf(source, index).map((degrees) => Math.round(degrees * 1e5) / 1e5);
  const labels = labelsAt(source, position);
  const date = dateOf(source, labels);
  const operator = isEmbedSource(source) ? source.operator.reference : null;
  const where = `${index.x}/${index.y}${date === null ? '' : ` of ${date}`}${operator === null ? '' : ` with ${operator.replace(/@.*/, '')}`}`;
  return { where, block: index, bbox, ...(date === null ? {} : { datetime: date }), position: labels, operator, layer };
}

function dateOf({ cube }: BlockSource, labels: Readonly<Record<string, string | number>>): string | null {
  const time = cube.find('temporal')?.name;
  return time === undefined || labels[time] === undefined ? null : String(labels[time]);
}

/** Numbers, times and digests differ between failures that are alike. */
function kindOf(error: unknown): string {
  const words = error instanceof OpenEOError ? `${error.code} ${error.message}` : String(error);
  return words.replace(/[\da-f]{8,}/gi, '#').replace(/\S*\d\S*/g, '#');
}

/** What says nothing of where it happened is the computing. A file that is damaged is found out by reading, also where only its header was wanted. */
function stageOfBlock(error: unknown): Stage {
  return stageOf(error) ?? (isOfFile(error) ? 'read' : 'infer');
}

function isOfFile(error: unknown): boolean {
  return isOpenEOError(error, 'FileContentInvalid', 'FileNotFound');
}
