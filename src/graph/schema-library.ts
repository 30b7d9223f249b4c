/** JSON Schemas that are compiled once and refer to each other. They come from where they are given, never from a network. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

/** One thing that is wrong in a value. */
export interface SchemaFault {
  /** JSON pointer to the value; '' for the whole. */
  readonly path: string;
  /** As the end of the sentence '<path> …'. */
  readonly reason: string;
}

const MOST_FAULTS = 5;

export class SchemaLibrary {
  readonly #find: (url: string) => object | null;
  readonly #ajv: Ajv;
  readonly #known = new Map<string, ValidateFunction | null>();

  /** @param find gives the schema of a URL, without its fragment; null where there is none */
  constructor(find: (url: string) => object | null) {
    this.#find = find;
    this.#ajv = new Ajv({ strict: false, allErrors: false, validateSchema: false, unicodeRegExp: false });
    formats.default(this.#ajv, { mode: 'full' });
    for (const name of ['iri', 'iri-reference']) this.#ajv.addFormat(name, (text: string) => text !== '' && (name === 'iri-reference' || URL.canParse(text)));
  }

  /** What is wrong by the schema of a URL; null when that schema, or one that it needs, is not here. */
  check(url: string, value: unknown): readonly SchemaFault[] | null {
    let validate = this.#known.get(url);
    if (validate === undefined) this.#known.set(url, validate = this.#compile({ $ref: url }));
    return validate && faultsOf(validate, value);
  }

  /** The check of a schema that needs no other. */
  compile(schema: object): (value: unknown) => readonly SchemaFault[] {
    const validate = this.#ajv.compile(schema);
    return (value) => faultsOf(validate, value);
  }

  #compile(schema: { readonly $ref: string }): ValidateFunction | null {
    for (;;) {
      try {
        return this.#ajv.compile(schema);
      } catch (error) {
        const missing = (error as { missingSchema?: string }).missingSchema;
        const found = missing === undefined ? null : this.#find(missing);
        if (found === null) return null;
        this.#ajv.addSchema(found, missing);
      }
    }
  }
}

function faultsOf(validate: ValidateFunction, value: unknown): SchemaFault[] {
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  // Of alternatives the one that came furthest into the value tells most.
  const depth = Math.max(...errors.map(depthOf));
  const deepest = errors.filter((error) => depthOf(error) === depth && !/^(oneOf|anyOf|allOf|if)$/.test(error.keyword));
  const told = (deepest.length > 0 ? deepest : errors).slice(0, MOST_FAULTS).map((error) => ({ path: pathOf(error), reason: reasonOf(error) }));
  return [...new Map(told.map((fault) => [`${fault.path} ${fault.reason}`, fault])).values()];
}

const pathOf = ({ instancePath, keyword, params }: ErrorObject) => (keyword === 'required' ? `${instancePath}/${String((params as { missingProperty?: string }).missingProperty)}` : instancePath);
const depthOf = (error: ErrorObject) => pathOf(error).split('/').length;

function reasonOf({ keyword, message = 'is not as described', params }: ErrorObject): string {
  if (keyword === 'required') return 'is missing';
  if (keyword === 'enum') return `must be one of ${(params as { allowedValues: unknown[] }).allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
  if (keyword === 'const') return `must be ${JSON.stringify((params as { allowedValue: unknown }).allowedValue)}`;
  if (keyword === 'additionalProperties') return `has the member '${(params as { additionalProperty: string }).additionalProperty}', which is not allowed`;
  return message;
}
