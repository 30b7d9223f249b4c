/** Operators as the API looks them up: also those that can't be called without parameters are found and described. */
import { isOpenEOError, OpenEOError } from '../../errors.ts';
import type { Operator, OperatorRegistry } from '../../operators/operator.ts';
import { parseReference, qualifiedName } from '../../operators/reference.ts';
import { chooseVersion, newestFirst } from '../../operators/registry/versions.ts';

/** An operator among its versions. */
export interface FoundOperator {
  readonly operator: Operator;
  /** All that are offered of the same name, the newest release first. */
  readonly versions: readonly string[];
  /** The one that the name alone means: after a rollback not the newest. */
  readonly latest: string;
}

/** What each name means, in order. */
export function latestOperators(operators: OperatorRegistry): readonly FoundOperator[] {
  const names = [...new Set(operators.list().map(({ manifest }) => qualifiedName(manifest)))];
  return names.map((name) => found(operators, offeredOf(operators, name)[0]!));
}

/**
 * The operator that '[namespace/]name[:version|@sha256:…]' means, its parameters at their defaults.
 *
 * @throws NotFound, naming the operators there are, also for references with a runtime or parameters
 */
export function findOperator(operators: OperatorRegistry, text: string): FoundOperator {
  return found(operators, lookUp(operators, text));
}

function found(operators: OperatorRegistry, operator: Operator): FoundOperator {
  const versions = offeredOf(operators, qualifiedName(operator.manifest)).map(({ manifest }) => manifest.version);
  return { operator, versions: versions.toSorted(newestFirst), latest: versions[0] ?? operator.manifest.version };
}

function lookUp(operators: OperatorRegistry, text: string): Operator {
  try {
    const { runtime, params } = parseReference(text);
    if (runtime !== undefined || Object.keys(params).length > 0) throw notFound('The service chooses the runtime, and parameters stand in the request.');
    return operators.resolve(text);
  } catch (error) {
    const plain = isOpenEOError(error, 'ProcessParameterInvalid') ? withoutParameters(operators, text) : undefined;
    if (plain) return plain;
    throw isOpenEOError(error, 'OperatorNotFound', 'OperatorUntrusted') ? notFound(error.message) : error;
  }
}

/** One whose parameters are required: without values it can't be called, but looked at. */
function withoutParameters(operators: OperatorRegistry, text: string): Operator | undefined {
  const { tag, digest, ...name } = parseReference(text);
  const versions = offeredOf(operators, qualifiedName(name)).map((operator) => ({ operator, version: operator.manifest.version, digest: operator.digest }));
  return (digest === undefined ? chooseVersion(versions, { latest: versions[0]?.version ?? '' }, tag) : versions.find((version) => version.digest === digest))?.operator;
}

/** What the name alone means first. */
function offeredOf(operators: OperatorRegistry, name: string): readonly Operator[] {
  return operators.list().filter(({ manifest }) => qualifiedName(manifest) === name);
}

/** In a path, an operator that does not exist is a resource that does not exist. */
function notFound(detail: string): OpenEOError {
  return new OpenEOError('NotFound', {}, { detail });
}
