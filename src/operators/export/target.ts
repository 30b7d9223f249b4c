/** What an export is made for: an operator with its parameters, and the machine that will run it. */
import type { Operator } from '../operator.ts';

export interface ExportTarget {
  /** With runtime and parameters; the export calls exactly this one. */
  readonly operator: Operator;
  /** Container image with the command `lamina`. Only Kubernetes needs it. */
  readonly image: string;
  /** Value of LAMINA_OPERATORS where it will run; absent: as that machine is configured. */
  readonly registries?: string;
  /** Names of secrets that Kubernetes needs to pull the image. */
  readonly pullSecrets?: readonly string[];
  /** Name of the volume claim that holds /data. */
  readonly claim?: string;
  /** Parameters of the operator that have the name of an option of `lamina run`. */
  readonly optionNames: readonly string[];
}

/** One that can't be exported in this way. The message says why and what to do. */
export class ExportRefused extends Error {
  override readonly name = 'ExportRefused';
}

/** The words of `lamina run` for this operator; its reference has the parameters. */
export function runWords({ operator }: ExportTarget, input: string, output: string): string[] {
  return ['lamina', 'run', operator.reference, '--input', input, '--output', output, '--quiet'];
}

/** A name that DNS, schedulers and file systems take: lower case, digits and '-', at most 63. */
export function jobName({ manifest: { namespace, name, version } }: Operator): string {
  return [...(namespace === undefined ? [] : [namespace]), name, version].join('-').toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 63).replace(/^-+|-+$/g, '');
}

/** The comment at the top of each file. */
export function headline({ operator: { manifest, reference } }: ExportTarget): string[] {
  return [`${manifest.title} (${manifest.name} ${manifest.version})`, `Made by lamina operator export from ${reference}`].map((line) => line.replace(/\s+/g, ' '));
}
