/**
 * What a job of a batch system may be submitted with: a closed list, because other flags start programs or read files. The service
 * has options of its own for all jobs; of what its users may choose it keeps a list besides, which is empty unless somebody writes it.
 */

export interface BatchOptions {
  /** Partition of Slurm, queue of PBS and LSF. */
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  /** Generic resources of Slurm, 'gpu:1'. */
  readonly gres?: string;
  /** After so many seconds the batch system ends the job; absent: a minute more than the program may take. */
  readonly seconds?: number;
  /** Further flags of sbatch, '--nice=10'. */
  readonly extra?: readonly string[];
}

/** What users may choose. A value that ends in '*' stands for all that begin so. */
export interface BatchRules {
  readonly partition: readonly string[];
  readonly account: readonly string[];
  readonly gres: readonly string[];
  /** The longest time. */
  readonly seconds: number;
  /** Flags with their values: '--nice=*', '--exclusive'. */
  readonly extra: readonly string[];
}

export const nothingAllowed: BatchRules = { partition: [], account: [], gres: [], seconds: 0, extra: [] };

const names = ['partition', 'account', 'qos', 'constraint', 'gres'] as const;
/** No spaces, no quotes, nothing that begins another flag. */
const VALUE = /^[A-Za-z0-9][\w.:+@/&|,-]{0,127}$/;
/** Flags of sbatch that choose where and when a job runs. None of them starts a program, names a file, or speaks for somebody else. */
const FLAGS = ['constraint', 'qos', 'nice', 'exclusive', 'reservation', 'licenses', 'nodelist', 'exclude', 'cpus-per-task', 'gpus', 'mem-per-cpu', 'hint', 'threads-per-core', 'tmp', 'wckey', 'begin', 'deadline', 'comment', 'gpu-freq', 'cpu-freq', 'switches', 'cluster-constraint', 'sockets-per-node', 'cores-per-socket', 'spread-job'];
const FLAG = /^--([a-z][a-z-]*)(?:=(.*))?$/;

/** Reads 'partition=low,account=x'. Throws RangeError that names what is not allowed and what is. */
export function parseBatchOptions(text: string): BatchOptions {
  const pairs = text.split(';').flatMap((part) => part.split(/,(?=\s*\w+=)/)).map((pair) => pair.trim()).filter((pair) => pair !== '');
  return Object.fromEntries(pairs.map((pair) => {
    const [name = '', ...rest] = pair.split('=');
    const value = rest.join('=');
    if (!(names as readonly string[]).includes(name)) throw new RangeError(`'${name}' is no option of batch jobs; there are ${names.join(', ')}`);
    if (!VALUE.test(value)) throw new RangeError(`'${value}' can't be the ${name} of a batch job: it has letters, digits and . : + @ / & | , _ - only`);
    return [name, value];
  }));
}

/**
 * Reads the list of what users may choose: 'partition=low,gpu; account=*; gres=gpu:*; time=2:00:00; extra=--nice=*,--exclusive'.
 * Throws RangeError for names that there are not, and for flags that nobody may choose.
 */
export function parseBatchRules(text: string): BatchRules {
  const parts = text.split(';').map((part) => part.trim()).filter((part) => part !== '');
  return Object.assign({}, nothingAllowed, ...parts.map((part): Partial<BatchRules> => {
    const equals = part.indexOf('=');
    const [name, listed] = equals < 0 ? [part, ''] : [part.slice(0, equals).trim(), part.slice(equals + 1)];
    const values = listed.split(',').map((value) => value.trim()).filter((value) => value !== '');
    switch (name) {
      case 'partition': case 'account': case 'gres': return { [name]: values };
      case 'time': return { seconds: secondsOf(listed.trim()) };
      case 'extra': return { extra: values.map(checkedFlag) };
      default: throw new RangeError(`'${name}' is nothing that users may choose of batch jobs; there are partition, account, gres, time and extra`);
    }
  })) as BatchRules;
}

function checkedFlag(flag: string): string {
  const [, name = ''] = FLAG.exec(flag) ?? [];
  if (FLAGS.includes(name)) return flag;
  throw new RangeError(`'${flag}' can't be allowed; of the flags of sbatch there are ${FLAGS.map((each) => `--${each}`).join(', ')}`);
}

/** Seconds of a time as Slurm has it: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS. Throws RangeError. */
export function secondsOf(text: string): number {
  const [, days, rest = ''] = /^(?:(\d{1,3})-)?(\d{1,4}(?::\d{1,2}){0,2})$/.exec(text) ?? [];
  const parts = rest.split(':').map(Number);
  const units = days === undefined ? ({ 1: [60], 2: [60, 1], 3: [3600, 60, 1] })[parts.length] : [3600, 60, 1];
  const seconds = Number(days ?? 0) * 86_400 + parts.reduce((sum, part, i) => sum + part * (units?.[i] ?? 0), 0);
  if (rest === '' || !(seconds > 0)) throw new RangeError(`'${text}' is no time: write minutes, HH:MM:SS or D-HH:MM:SS`);
  return seconds;
}

/** In the words of Slurm and LSF. */
const BATCH_FIELDS = ['partition', 'account', 'time', 'gres', 'extra'] as const;

/**
 * What a user has chosen: { partition, account, time, gres, extra: ['--flag=value'] }. Throws RangeError that names the field or the flag that is
 * not allowed, and what is.
 */
export function chosenBatchOptions(given: unknown, rules: BatchRules): BatchOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new RangeError('it must be an object');
  const unknown = Object.keys(given).find((name) => !(BATCH_FIELDS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new RangeError(`there is no '${unknown}'; there are ${BATCH_FIELDS.join(', ')}`);
  const { partition, account, gres, time, extra } = given as Readonly<Record<string, unknown>>;
  return {
    ...Object.fromEntries(Object.entries({ partition, account, gres }).flatMap(([name, value]) => (value === undefined || value === null ? [] : [[name, chosen(name, value, rules[name as 'partition'])]]))),
    ...(time === undefined || time === null ? {} : { seconds: chosenTime(time, rules) }),
    ...(extra === undefined || extra === null ? {} : { extra: chosenFlags(extra, rules) }),
  };
}

function chosen(name: string, value: unknown, allowed: readonly string[]): string {
  if (typeof value === 'string' && VALUE.test(value) && matches(value, allowed)) return value;
  throw new RangeError(`'${name}' can't be ${shown(value)}; ${listing(allowed)}`);
}

function chosenTime(value: unknown, rules: BatchRules): number {
  const seconds = secondsOf(String(value));
  if (seconds <= rules.seconds) return seconds;
  throw new RangeError(`'time' can't be ${shown(value)}; ${rules.seconds === 0 ? 'this service allows none' : `this service allows at most ${Math.floor(rules.seconds / 60)} minutes`}`);
}

function chosenFlags(value: unknown, { extra: allowed }: BatchRules): readonly string[] {
  if (!Array.isArray(value)) throw new RangeError("'extra' must be a list of flags, ['--nice=10']");
  return value.map((flag: unknown) => {
    const [, name = '', argument] = (typeof flag === 'string' ? FLAG.exec(flag) : null) ?? [];
    const isHarmless = FLAGS.includes(name) && (argument === undefined || VALUE.test(argument));
    if (isHarmless && matches(flag as string, allowed)) return flag as string;
    throw new RangeError(`'extra' can't have ${shown(flag)}; ${listing(allowed)}`);
  });
}

const matches = (value: string, allowed: readonly string[]) => allowed.some((each) => (each.endsWith('*') ? value.startsWith(each.slice(0, -1)) : value === each));

const listing = (allowed: readonly string[]) => (allowed.length === 0 ? 'this service allows none' : `this service allows ${allowed.join(', ')}`);

const shown = (value: unknown) => `'${String(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 100)}'`;
