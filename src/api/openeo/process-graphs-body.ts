/** The body of PUT /process_graphs/{process_graph_id}. */
import { OpenEOError } from '../../errors.ts';
import type { StoredProcess } from '../../user-processes/store.ts';

/** Larger ones hold data, which belong into files. */
const MAX_BYTES = 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown) => typeof value === 'string';
const isFlag = (value: unknown) => typeof value === 'boolean';
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (is: (item: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(is);

/** What the standard says about the metadata of a process, as far as clients rely on it. */
const types: Readonly<Record<string, readonly [is: (value: unknown) => boolean, words: string]>> = {
  summary: [isText, 'a text'],
  description: [isText, 'a text'],
  categories: [isListOf(isText), 'an array of texts'],
  parameters: [isListOf(isObject), 'an array of objects'],
  returns: [isObject, 'an object'],
  deprecated: [isFlag, 'true or false'],
  experimental: [isFlag, 'true or false'],
  exceptions: [isObject, 'an object'],
  examples: [isListOf(isObject), 'an array of objects'],
  links: [isListOf(isObject), 'an array of objects'],
  process_graph: [isObject, 'an object'],
  public: [isFlag, 'true or false'],
  // Of the extension for processing parameters.
  default_synchronous_options: [isObject, 'an object'],
  default_job_options: [isObject, 'an object'],
  default_service_options: [isObject, 'an object'],
};

/**
 * The process with the id of the path, without nulls, and with what GET must answer with.
 *
 * @throws ProcessGraphMissing without a process graph, ProcessInvalid for metadata of the wrong type and what is too large
 */
export function readStored(id: string, body: Fields): StoredProcess {
  const given = Object.entries(body).filter(([, value]) => value !== null);
  const fields = Object.fromEntries(given);
  if (fields['process_graph'] === undefined) throw new OpenEOError('ProcessGraphMissing', {});
  for (const [name, value] of given) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (type && !type[0](value)) throw invalid(`\`${name}\` must be ${type[1]}.`);
  }
  const { public: isPublic = false, parameters, returns, id: _, ...rest } = fields;
  const definition = {
    id,
    ...rest,
    // Clients read description and schema of a parameter without asking whether they are there.
    ...(parameters !== undefined && { parameters: (parameters as readonly Fields[]).map((p) => withoutNulls({ description: '', schema: {}, ...p })) }),
    ...(returns !== undefined && { returns: withoutNulls({ schema: {}, ...returns as Fields }) }),
  };
  const size = Buffer.byteLength(JSON.stringify(definition));
  if (size > MAX_BYTES) throw invalid(`It has ${size} bytes; at most ${MAX_BYTES} can be stored.`);
  return { definition, isPublic: isPublic as boolean };
}

/** Not `default`, where null is a value. */
function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== null || name === 'default'));
}

function invalid(detail: string): OpenEOError {
  return new OpenEOError('ProcessInvalid', {}, { detail });
}
