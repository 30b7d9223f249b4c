/** The gate: all checks of an unpacked operator, in their order. None stops the others: an author wants to know everything at once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operator, OperatorManifest, OperatorRuntime } from '../../operators/operator.ts';
import type { ProcessRuntime } from '../../runtimes/process-runtime.ts';
import { embedTogether } from '../measure/together.ts';
import type { TaskSet } from '../tasks/task-set.ts';
import { broken, checkIds, isRegression, skipped, type Check, type CheckId } from './check.ts';
import { checkCodec, checkRate, rateOf } from './codec.ts';
import { checkDeterminism } from './determinism.ts';
import { callable, checkGolden } from './golden.ts';
import { checkInterface } from './interface.ts';
import { checkLayer } from './layer.ts';
import { checkLicence } from './licence.ts';
import { measureQuality, type Quality, type SetReport } from './quality.ts';
import { checkSecrets, secretsIn } from './secrets.ts';
import { checkMemory, checkThroughput } from './speed.ts';
import { subjectAsProgram, subjectIn, type Subject } from './subject.ts';

/** Where operators run while they are judged. */
export interface GateRuntimes {
  /** Models, in threads. */
  readonly onnx: OperatorRuntime;
  /**
   * What starts processes for operators of a kind (for models too: one of their own is measured); null when this machine has none. Asked
   * for each operator, because the version before may be of another kind.
   */
  readonly programs: (kind: OperatorManifest['kind']) => ProcessRuntime | null;
}

export interface GateRequest {
  /** Unpacked, as it will be published. */
  readonly operator: Operator;
  /** Names of all files of the package. */
  readonly files: readonly string[];
  readonly previous: Operator | null;
  readonly runtimes: GateRuntimes;
  readonly sets: readonly TaskSet[];
  /** Regressions are let pass for this reason. */
  readonly allowRegression?: string;
  readonly onCheck?: (check: Check) => void;
  readonly signal?: AbortSignal;
}

export interface GateResult {
  readonly passed: boolean;
  readonly checks: readonly Check[];
  readonly sets: readonly SetReport[];
  /** Mean cosine of the vectors of this version and the one before; null where they can't be compared. */
  readonly likeness: number | null;
}

/** Never throws for what an operator does; throws the signal's reason. */
export async function runGate(request: GateRequest): Promise<GateResult> {
  const gate = new Gate(request);
  return gate.run();
}

class Gate {
  readonly #request: GateRequest;
  readonly #checks: Check[] = [];
  readonly #folder: Promise<string>;

  constructor(request: GateRequest) {
    this.#request = request;
    this.#folder = request.operator.folder();
  }

  async run(): Promise<GateResult> {
    const { operator, previous } = this.#request;
    const subject = this.#subject(await callable(operator));
    let quality: Quality | null = null;
    if (subject === null) this.#skip('interface', `No runtime for operators of the kind '${operator.manifest.kind}' can be had on this machine, so it can't be judged.`, true);
    else if (await this.#check('interface', () => checkInterface(subject))) quality = await this.#runnable(subject, previous === null ? null : this.#subject(await callable(previous)));
    for (const check of checkIds.slice(1, checkIds.indexOf('licence'))) if (!this.#checks.some((each) => each.check === check)) this.#skip(check, 'Not looked at, because the operator does not keep its interface.');
    await this.#check('licence', async () => checkLicence(operator.manifest.license, this.#request.files));
    await this.#check('secrets', () => this.#secrets());
    return { passed: this.#checks.every(({ status }) => status !== 'failed'), checks: this.#checks, sets: quality?.sets ?? [], likeness: quality?.likeness ?? null };
  }

  async #runnable(subject: Subject, previous: Subject | null): Promise<Quality | null> {
    const { runtimes, sets, signal } = this.#request;
    const { operator } = subject;
    const isModel = operator.manifest.kind === 'onnx';
    const programs = runtimes.programs(operator.manifest.kind);
    await this.#check('golden', () => checkGolden(subject, undefined, (called) => this.#subject(called)));
    await this.#check('determinism', () => checkDeterminism(subject, {
      elsewhere: isModel && programs ? subjectAsProgram(programs, operator) : null,
      together: isModel ? (blocks) => embedTogether(operator, blocks) : null,
    }));
    await this.#check('layer', () => checkLayer(subject, signal));
    let quality: Quality | null = null;
    const judgedQuality = await this.#quiet('quality', async () => {
      quality = await measureQuality(subject, previous, sets, signal);
      return quality.check;
    });
    await this.#rates(quality, previous);
    this.#add(judgedQuality);
    await this.#check('throughput', () => checkThroughput(subject, previous, signal));
    await this.#check('memory', () => checkMemory(subject, previous, runtimes.programs, signal));
    return quality;
  }

  /** Codecs and rate are judged on the vectors that the tasks gave. */
  async #rates(quality: Quality | null, previous: Subject | null): Promise<void> {
    const { manifest } = this.#request.operator;
    const vectors = quality?.vectors ?? null;
    if (vectors === null) {
      for (const check of ['codec', 'rate'] as const) this.#skip(check, 'There were no vectors of any task set to try it on.');
      return;
    }
    const before = quality?.previousVectors && previous ? rateOf(quality.previousVectors, previous.operator.manifest) : null;
    await this.#check('codec', async () => checkCodec(vectors, manifest));
    await this.#check('rate', async () => checkRate(rateOf(vectors, manifest), before));
  }

  async #secrets(): Promise<Check> {
    const found: string[] = [];
    let bytes = 0;
    for (const file of this.#request.files) {
      const content = await readFile(join(await this.#folder, file));
      bytes += content.length;
      found.push(...secretsIn(file, content));
    }
    return checkSecrets(found, this.#request.files.length, bytes);
  }

  #subject(operator: Operator): Subject | null {
    const { onnx, programs } = this.#request.runtimes;
    if (operator.manifest.kind === 'onnx') return subjectIn(onnx, operator);
    const runtime = programs(operator.manifest.kind);
    return runtime === null ? null : subjectAsProgram(runtime, operator);
  }

  /** True when it passed. */
  async #check(id: CheckId, make: () => Promise<Check>): Promise<boolean> {
    const check = await this.#quiet(id, make);
    this.#add(check);
    return check.status === 'passed';
  }

  /** A check that throws has failed: an operator that stops half-way is no good either. */
  async #quiet(id: CheckId, make: () => Promise<Check>): Promise<Check> {
    this.#request.signal?.throwIfAborted();
    try {
      return await make();
    } catch (error) {
      this.#request.signal?.throwIfAborted();
      // Paths of this machine have no place in a report that is published.
      return broken(id, (error as Error).message.replaceAll(await this.#folder, 'the package'));
    }
  }

  #skip(id: CheckId, why: string, isFault = false): void {
    this.#add(isFault ? broken(id, why) : skipped(id, why));
  }

  #add(check: Check): void {
    const { allowRegression, onCheck } = this.#request;
    const isAllowed = check.status === 'failed' && allowRegression !== undefined && isRegression(check.check);
    const noted: Check = isAllowed ? { ...check, status: 'allowed', detail: `${check.detail} Allowed: ${allowRegression}` } : check;
    this.#checks.push(noted);
    onCheck?.(noted);
  }
}
