/** From an operator of the list to the one that a reference means: with its runtime and its parameters. */
import { OpenEOError } from '../errors.ts';
import { digest } from '../cube/digest.ts';
import { changedTexts, defaultsOf, operatorDigest, parametersOf } from './params.ts';
import { formatReference, type OperatorReference, type RuntimeName } from './reference.ts';
import type { Operator, OperatorManifest } from './operator.ts';

const programs: readonly RuntimeName[] = ['containerless', 'bubblewrap', 'proot'];

/** What keeps a program from everything that is none of its business. */
const isolating: readonly RuntimeName[] = ['bubblewrap', 'podman', 'docker'];

/** The runtime of a reference that names none: models run in threads, programs and models of strangers in a sandbox, images in podman. */
export function usualRuntime({ kind }: Pick<OperatorManifest, 'kind'>, isIsolated = false): RuntimeName {
  if (kind === 'image') return 'podman';
  return kind === 'onnx' && !isIsolated ? 'onnx' : 'bubblewrap';
}

/** True when operators of this kind can run there at all; whether a machine has the runtime is another question. */
export function canRun({ kind }: Pick<OperatorManifest, 'kind'>, runtime: RuntimeName): boolean {
  const base = baseOf(runtime);
  if (kind === 'onnx') return true;
  if (kind === 'exec') return base !== 'onnx';
  return base !== 'onnx' && !programs.includes(base);
}

/** An operator as a list has it: usual runtime, no parameter changed. Its required parameters have no value yet. */
export function plainOperator(manifest: OperatorManifest, folder: () => Promise<string>): Operator {
  const pinned = digest(manifest);
  return { manifest, digest: pinned, reference: formatReference({ ...identity(manifest), digest: pinned, params: {} }), runtime: usualRuntime(manifest), params: defaultsOf(manifest), folder };
}

/** What came of looking at its signatures: an operator that must be isolated runs in a sandbox where nobody says otherwise. */
export function withStanding(operator: Operator, { signedBy, isolated }: Pick<Operator, 'signedBy' | 'isolated'>): Operator {
  if (signedBy === undefined && isolated === undefined) return operator;
  return { ...operator, runtime: usualRuntime(operator.manifest, isolated !== undefined), ...(signedBy === undefined ? {} : { signedBy }), ...(isolated === undefined ? {} : { isolated }) };
}

/**
 * The plain operator with the runtime and the parameters of a reference, and with `options`: parameters as JSON has them, which
 * must not be in the reference too. Throws ProcessParameterInvalid for what it does not take, and OperatorNotFound for a
 * runtime that can't run its kind.
 */
export function calledOperator(operator: Operator, reference: OperatorReference, options: Readonly<Record<string, unknown>> = {}): Operator {
  const { manifest } = operator;
  const usual = usualRuntime(manifest, operator.isolated !== undefined);
  const runtime = reference.runtime ?? usual;
  if (!canRun(manifest, runtime)) {
    throw new OpenEOError('OperatorNotFound', { operator: formatReference(reference) }, { detail: `'${manifest.name}' is of the kind '${manifest.kind}', which '${runtime}' can't run.` });
  }
  const params = parametersOf(manifest, options, reference.params);
  const pinned = formatReference({
    ...identity(manifest), digest: operator.digest, params: changedTexts(manifest, params),
    ...(runtime === usual ? {} : { runtime }),
  });
  return pinned === operator.reference ? operator : { ...operator, runtime, params, reference: pinned, digest: operatorDigest(operator.digest, manifest, params) };
}

/** Throws OperatorRuntimeUnavailable, naming what is allowed, for an operator with another runtime, or one that must be isolated and is not. */
export function checkRuntime({ manifest, runtime, isolated }: Pick<Operator, 'manifest' | 'runtime' | 'isolated'>, allowed: readonly RuntimeName[]): void {
  const refused = (reason: string) => new OpenEOError('OperatorRuntimeUnavailable', { operator: `${manifest.name}:${manifest.version}`, reason });
  if (isolated !== undefined && !isolating.includes(baseOf(runtime as RuntimeName))) {
    throw refused(`${isolated}, so it may run in ${isolating.join(', ')} only, and not in '${runtime}'`);
  }
  if (!allowed.some((name) => name === runtime)) throw refused(`this service does not run operators in '${runtime}'; it runs them in ${allowed.join(', ')}`);
}

/** 'podman' of 'slurm+podman'. */
function baseOf(runtime: RuntimeName): RuntimeName {
  return runtime.split('+').at(-1)! as RuntimeName;
}

function identity({ namespace, name }: OperatorManifest): Pick<OperatorReference, 'namespace' | 'name'> {
  return { ...(namespace === undefined ? {} : { namespace }), name };
}
