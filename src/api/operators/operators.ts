/** Operators as the API looks them up: also those that can't be called without parameters are found and described. */
import { isOpenEOError, OpenEOError } from '../../errors.ts';
import type { Operator, OperatorRegistry } from '../../operators/operator.ts';
import { parseReference, qualifiedName } from '../../operators/reference.ts';
import { chooseVersion, compareVersions, isPrerelease } from '../../operators/registry/versions.ts';

/** An operator among its versions. */
export interface FoundOperator {
  readonly operator: Operator;
  /** All that are offered of the same name, the newest release first. */
  readonly versions: readonly string[];
}

/** The newest of each name, in order. */
export function newestOperators(operators: OperatorRegistry): readonly FoundOperator[] {
  const names = [...new Set(operators.list().map(({ manifest }) => qualifiedName(manifest)))];
  return names.map((name) => {
    const versions = versionsOf(operators, name);
    return { operator: versions[0]!, versions: versions.map(({ manifest }) => manifest.version) };
  });
}

/**
 * The operator that '[namespace/]name[:version|@sha256:…]' means, its parameters at their defaults.
 *
 * @throws NotFound, naming the operators there are, also for references with a runtime or parameters
 */
export function findOperator(operators: OperatorRegistry, text: string): FoundOperator {
  const operator = lookUp(operators, text);
  return { operator, versions: versionsOf(operators, qualifiedName(operator.manifest)).map(({ manifest }) => manifest.version) };
}

function lookUp(operators: OperatorRegistry, text: string): Operator {
  try {
    const { runtime, params } = parseReference(text);
    if (runtime !== undefined || Object.keys(params).length > 0) throw notFound('The service chooses the runtime, and parameters stand in the request.');
    return operators.resolve(text);
  } catch (error) {
    const found = isOpenEOError(error, 'ProcessParameterInvalid') ? withoutParameters(operators, text) : undefined;
    if (found) return found;
    throw isOpenEOError(error, 'OperatorNotFound') ? notFound(error.message) : error;
  }
}

/** One whose parameters are required: without values it can't be called, but looked at. */
function withoutParameters(operators: OperatorRegistry, text: string): Operator | undefined {
  const { tag, digest, ...name } = parseReference(text);
  const versions = versionsOf(operators, qualifiedName(name)).map((operator) => ({ operator, version: operator.manifest.version, digest: operator.digest }));
  return (digest === undefined ? chooseVersion(versions, {}, tag) : versions.find((version) => version.digest === digest))?.operator;
}

function versionsOf(operators: OperatorRegistry, name: string): readonly Operator[] {
  return operators.list().filter(({ manifest }) => qualifiedName(manifest) === name).toSorted(releasesFirst);
}

/** The newest release first, pre-releases behind all releases. */
function releasesFirst({ manifest: { version: a } }: Operator, { manifest: { version: b } }: Operator): number {
  return Number(isPrerelease(a)) - Number(isPrerelease(b)) || compareVersions(b, a);
}

/** In a path, an operator that does not exist is a resource that does not exist. */
function notFound(detail: string): OpenEOError {
  return new OpenEOError('NotFound', {}, { detail });
}
