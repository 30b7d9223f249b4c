/**
 * GET /processing_parameters, an extension of the standard: what requests to process something may say besides
 * what the standard knows. A user-defined process may bring values of its own for them.
 */
import type { Response } from 'express';
import { invalidArgument } from '../../errors.ts';
import type { ProcessRegistry } from '../../graph/process.ts';
import type { JobDefinition } from '../../jobs/job.ts';
import { readJobOptions, usualRules, type RuntimeRules } from '../../operators/runtime-choice.ts';
import { checkDefinition } from './definition.ts';
import type { Context } from './endpoint.ts';
import { linked } from './linked.ts';

/** What is asked for, and where a process keeps its values for that. */
const defaultsOf = { synchronous: 'default_synchronous_options', job: 'default_job_options' } as const;

export type ProcessingKind = keyof typeof defaultsOf;

/** In the standard's words for parameters of processes. */
interface ProcessingParameter {
  readonly name: string;
  readonly description: string;
  readonly optional: true;
  /** Absent: null. */
  readonly default?: number;
  readonly schema: { readonly type: 'number'; readonly minimum: number; readonly maximum?: number } | { readonly type: 'object'; readonly properties: Fields };
}

type Fields = Readonly<Record<string, unknown>>;

/** What the checks need of a context. */
type Settings = Pick<Context, 'syncTimeoutSeconds' | 'runtimeRules'>;

function parametersOf(kind: ProcessingKind, { syncTimeoutSeconds, runtimeRules = usualRules }: Settings): readonly ProcessingParameter[] {
  const timeout = { name: 'timeout', optional: true, description: 'Seconds that processing may take, once a worker has begun. Processing that takes longer ends with the error `RequestTimeout`.' } as const;
  if (kind === 'job') return [{ ...timeout, description: `${timeout.description} Without it there is no limit.`, schema: { type: 'number', minimum: 1 } }, jobOptions(runtimeRules)];
  return [{ ...timeout, default: syncTimeoutSeconds, schema: { type: 'number', minimum: 1, maximum: syncTimeoutSeconds } }];
}

/** How operators are run, in the words that other back-ends have for such things, too. */
function jobOptions({ runtimes, batch }: RuntimeRules): ProcessingParameter {
  const allowed = (values: readonly string[]) => (values.length === 0 ? 'This service allows none.' : `This service allows ${values.join(', ')}; \`*\` stands for anything.`);
  const slurm = {
    partition: { type: 'string', description: allowed(batch.partition) },
    account: { type: 'string', description: allowed(batch.account) },
    time: { type: 'string', description: `After it Slurm ends a run of the operator: minutes, \`HH:MM:SS\` or \`D-HH:MM:SS\`. ${batch.seconds === 0 ? allowed([]) : `This service allows at most ${Math.floor(batch.seconds / 60)} minutes.`}` },
    gres: { type: 'string', description: `Generic resources, \`gpu:1\`. ${allowed(batch.gres)}` },
    extra: { type: 'array', items: { type: 'string' }, description: `Further flags of sbatch, each as \`--flag=value\`. ${allowed(batch.extra)}` },
  };
  return {
    name: 'job_options', optional: true,
    description: 'How the operators of the job are run. The embeddings are the same, bit for bit, whatever is chosen. Options of other back-ends are kept and do nothing.',
    schema: {
      type: 'object',
      properties: {
        runtime: { type: 'string', enum: runtimes, description: 'What all operators of the job are run in, whatever their references say. Absent: as those say.' },
        ...(runtimes.some((name) => name.startsWith('slurm+')) && { slurm: { type: 'object', properties: slurm, additionalProperties: false, description: 'What jobs of Slurm are submitted with, where the runtime is one of `slurm+…`.' } }),
      },
    },
  };
}

/** GET /processing_parameters. */
export function listProcessingParameters(context: Context, _request: unknown, response: Response): void {
  response.json({ create_job_parameters: parametersOf('job', context), create_service_parameters: [], create_synchronous_parameters: parametersOf('synchronous', context) });
}

/**
 * The body of a request to process something, checked, with the values that its user-defined processes bring
 * for parameters that it does not have. Of several processes the first in the graph counts.
 *
 * @throws what `checkDefinition` and `checkParameters` throw
 */
export async function readProcessing(kind: ProcessingKind, endpoint: string, context: Context, body: Fields): Promise<JobDefinition> {
  let registry: ProcessRegistry = context.registry;
  const definition = await checkDefinition(endpoint, body, async (process) => (registry = await linked(context, process)));
  // Also null is a value: it says that there shall be none.
  const missing = parametersOf(kind, context).map(({ name }) => name).filter((name) => !Object.hasOwn(body, name));
  const brought = missing.length === 0 ? {} : broughtBy(registry, definition.process, defaultsOf[kind], missing);
  checkParameters(kind, endpoint, context, { ...brought, ...definition });
  return { ...brought, ...definition };
}

/** Checks what a request says for the parameters of its kind. Throws ProcessParameterInvalid. */
export function checkParameters(kind: ProcessingKind, endpoint: string, context: Settings, given: Fields): void {
  for (const { name, schema } of parametersOf(kind, context)) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    if (schema.type === 'object') {
      checkJobOptions(endpoint, name, value, context);
      continue;
    }
    const { minimum, maximum = Infinity } = schema;
    const range = maximum === Infinity ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
    if (typeof value !== 'number' || !(value >= minimum && value <= maximum)) throw invalidArgument(endpoint, name, `it must be a number ${range}.`);
  }
}

function checkJobOptions(endpoint: string, name: string, value: unknown, { runtimeRules = usualRules }: Settings): void {
  try {
    readJobOptions(value, runtimeRules);
  } catch (error) {
    throw error instanceof RangeError ? invalidArgument(endpoint, name, error.message) : error;
  }
}

/** Values of the user-defined processes that the nodes of a graph name; unknown names are none of ours. */
function broughtBy({ definitions }: ProcessRegistry, process: unknown, property: string, names: readonly string[]): Fields {
  const nodes = Object.values(fieldsOf(fieldsOf(process)['process_graph'])).map(fieldsOf);
  const options = nodes.map(({ process_id: id, namespace = null }) => {
    const found = definitions && typeof id === 'string' && (namespace === null || typeof namespace === 'string') ? definitions.find(definitions.home, namespace, id) : null;
    return found === null || found instanceof Error ? {} : fieldsOf(fieldsOf(found.process)[property]);
  });
  return Object.fromEntries(names.flatMap((name) => {
    const first = options.find((each) => Object.hasOwn(each, name));
    return first === undefined || first[name] === null ? [] : [[name, first[name]]];
  }));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : {};
}
