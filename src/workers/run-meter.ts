/** Counts what a run takes, and stops it when that costs more than its budget. */
import { OpenEOError } from '../errors.ts';
import type { Plan } from '../jobs/billing.ts';
import { costsOf } from '../jobs/billing.ts';
import type { Usage } from '../jobs/job.ts';
import type { StageBook } from '../jobs/stages.ts';
import type { RunFacts } from '../layers/scope.ts';
import type { CpuShare } from './cpu-shares.ts';

export interface Budget {
  readonly plan: Plan;
  /** The most that the run may cost. */
  readonly limit: number;
  readonly currency: string;
}

export class RunMeter implements RunFacts {
  bytesRead = 0;
  /** Spent by the workers that computed its blocks. */
  blockCpuSeconds = 0;
  /** Samples that those read. */
  blockSamples = 0;
  /** Bytes of the files written. */
  storedBytes = 0;
  readonly files = new Set<string>();
  readonly #startedMs = performance.now();
  readonly #cpu: CpuShare | null;
  readonly #budget: Budget | null;
  readonly #stages: StageBook | null;
  #cached = 0;
  #computed = 0;
  #samplesRead = 0;

  constructor({ cpu = null, budget = null, stages = null }: { readonly cpu?: CpuShare | null; readonly budget?: Budget | null; readonly stages?: StageBook | null } = {}) {
    this.#stages = stages;
    this.#cpu = cpu;
    this.#budget = budget;
  }

  get cached(): number {
    return this.#cached;
  }

  set cached(count: number) {
    this.#cached = count;
    this.#stages?.cached(count);
  }

  get computed(): number {
    return this.#computed;
  }

  /** Told before a block is computed. Throws BudgetInvalid when the budget is used up. */
  set computed(count: number) {
    this.#computed = count;
    this.#stages?.begin('infer');
    this.check();
  }

  get samplesRead(): number {
    return this.#samplesRead;
  }

  /** Told before samples are read. Throws BudgetInvalid when the budget is used up. */
  set samplesRead(count: number) {
    this.#stages?.add('read', count - this.#samplesRead);
    this.#samplesRead = count;
    this.check();
  }

  /** Metrics in the standard's words, and two of our own: source samples and blocks of embeddings computed. */
  usage(): Usage {
    return {
      duration: { value: round((performance.now() - this.#startedMs) / 1000), unit: 's' },
      ...(this.#cpu && { cpu: { value: round(this.#cpu.seconds() + this.blockCpuSeconds), unit: 'cpu-seconds' } }),
      storage: { value: this.storedBytes, unit: 'B' },
      input_pixel: { value: this.#samplesRead + this.blockSamples, unit: 'samples' },
      embedding_blocks: { value: this.#computed, unit: 'blocks' },
    };
  }

  /** Throws BudgetInvalid when what was used costs more than the budget. */
  check(): void {
    if (!this.#budget) return;
    const { plan, limit, currency } = this.#budget;
    const costs = costsOf(plan, this.usage());
    if (costs > limit) {
      throw new OpenEOError('BudgetInvalid', {}, { detail: `The processing was stopped when it had used up its budget of ${limit} ${currency}. Files that were ready by then are partial results.` });
    }
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
