/** What a run will take and cost, from the plan of what it does and the rates that workers have measured. */
import { OpenEOError } from '../errors.ts';
import { costsOf } from './billing.ts';
import type { Plan } from './billing.ts';
import type { Usage } from './job.ts';
import type { PlannedFormat, RunPlan } from './payloads.ts';
import { CPU_WORK, formatWork, SAMPLE_WORK } from './throughput.ts';

export interface Estimate {
  /** Null where nothing costs anything, or it depends on a duration that nobody knows. */
  readonly costs: number | null;
  /** Seconds; null when a part of the work was never measured here. */
  readonly seconds: number | null;
  /** Bytes of the files. */
  readonly sizeBytes: number;
}

/** Amount per second of a work, or bytes per sample of a format; missing when nobody has measured it. */
export type Rates = ReadonlyMap<string, number>;

/** Being queued, begun and ended. */
const OVERHEAD_SECONDS = 1;
/** Texts have so many characters per number at most; used until a format has been measured. */
const TEXT_BYTES = 24;
const textFormats = new Set(['json', 'geojson', 'covjson', 'csv']);

/** The works whose rates `estimateOf` asks for. */
export function worksOf({ blocks, saved }: RunPlan): string[] {
  return [SAMPLE_WORK, CPU_WORK, ...blocks.map(({ work }) => work), ...saved.map(({ format, dtype }) => formatWork(format, dtype))];
}

/**
 * @param plan what the run is charged with; null: nothing has a price here
 * @throws EstimateComplexity when not one of costs, duration and size can be told
 */
export function estimateOf(run: RunPlan, rates: Rates, plan: Plan | null): Estimate {
  const seconds = secondsOf(run, rates);
  const sizeBytes = Math.round(run.saved.reduce((sum, saved) => sum + bytesOf(saved, rates), 0));
  const costs = plan && costsUnder(plan, run, { seconds, sizeBytes, cpuRate: rates.get(CPU_WORK) });
  if (seconds === null && costs === null && run.saved.length === 0) {
    throw new OpenEOError('EstimateComplexity', {}, { detail: 'No worker of this service has done work of this kind yet, so nobody knows how long it takes.' });
  }
  return { costs, seconds, sizeBytes };
}

function secondsOf({ blocks, samplesRead, saved }: RunPlan, rates: Rates): number | null {
  const parts: [work: string, amount: number][] = [
    ...blocks.map(({ work, all, cached }): [string, number] => [work, all - cached]),
    [SAMPLE_WORK, saved.reduce((sum, { samples }) => sum + samples, samplesRead)],
  ];
  let seconds = OVERHEAD_SECONDS;
  for (const [work, amount] of parts) {
    if (amount === 0) continue;
    const rate = rates.get(work);
    if (rate === undefined) return null;
    seconds += amount / rate;
  }
  return seconds;
}

function bytesOf({ format, dtype, samples, bytes }: PlannedFormat, rates: Rates): number {
  const measured = rates.get(formatWork(format, dtype));
  if (measured !== undefined) return samples * measured;
  return textFormats.has(format.toLowerCase()) ? samples * TEXT_BYTES : bytes;
}

interface Known {
  readonly seconds: number | null;
  readonly sizeBytes: number;
  readonly cpuRate: number | undefined;
}

/** null when a price belongs to a duration that nobody knows. */
function costsUnder(plan: Plan, { blocks, samplesRead }: RunPlan, { seconds, sizeBytes, cpuRate }: Known): number | null {
  const { duration = 0, cpu = 0 } = plan.prices;
  if ((duration > 0 && seconds === null) || (cpu > 0 && (seconds === null || cpuRate === undefined))) return null;
  const usage: Usage = {
    duration: { value: seconds ?? 0, unit: 's' },
    cpu: { value: (seconds ?? 0) * (cpuRate ?? 0), unit: 'cpu-seconds' },
    input_pixel: { value: blocks.reduce((sum, { samples }) => sum + samples, samplesRead), unit: 'samples' },
    embedding_blocks: { value: blocks.reduce((sum, { all, cached }) => sum + all - cached, 0), unit: 'blocks' },
    storage: { value: sizeBytes, unit: 'B' },
  };
  return costsOf(plan, usage);
}

/** ISO 8601, whole seconds rounded up: 'PT1H2M3S'. */
export function isoDuration(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  const [days, hours, minutes, rest] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const time = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${rest > 0 ? `${rest}S` : ''}`;
  return `P${days > 0 ? `${days}D` : ''}${time === '' ? '' : `T${time}`}`;
}
