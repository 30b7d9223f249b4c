/** What a job of a batch system may be submitted with: a closed list, because other flags start programs or read files. */

export interface BatchOptions {
  /** Partition of Slurm, queue of PBS. */
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  /** Generic resources of Slurm, 'gpu:1'. */
  readonly gres?: string;
}

const names = ['partition', 'account', 'qos', 'constraint', 'gres'] as const;
/** No spaces, no quotes, nothing that begins another flag. */
const VALUE = /^[A-Za-z0-9][\w.:+@/&|,-]{0,127}$/;

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
