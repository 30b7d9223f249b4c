/** `lamina operator export`: an operator for a workflow engine or a scheduler, which then calls `lamina run`. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { packageFolder } from '../deployment.ts';
import { createStreamLog } from '../log.ts';
import { openOperators } from '../open-operators.ts';
import { toLsf, toPbs, toSlurm } from '../operators/export/batch.ts';
import { toCwl } from '../operators/export/cwl.ts';
import { toKubernetes } from '../operators/export/kubernetes.ts';
import type { ExportTarget } from '../operators/export/target.ts';
import type { Operator } from '../operators/operator.ts';
import { formatReference, parseReference } from '../operators/reference.ts';
import type { OperatorIndex } from '../operators/registry/operator-index.ts';
import { withoutLogin } from '../storage/without-login.ts';
import { RUN_OPTIONS } from './run.ts';

const targets: Readonly<Record<string, (target: ExportTarget) => string>> = { cwl: toCwl, k8s: toKubernetes, slurm: toSlurm, pbs: toPbs, lsf: toLsf };

/** `lamina operator export REFERENCE --to cwl|k8s|slurm|pbs|lsf [--output FILE]` */
export async function operatorExport(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals: [reference, ...more] } = parseArgs({
    args, allowPositionals: true,
    options: { to: { type: 'string' }, output: { type: 'string' }, image: { type: 'string' }, claim: { type: 'string' }, 'pull-secret': { type: 'string', multiple: true } },
  });
  const write = values.to !== undefined && Object.hasOwn(targets, values.to) ? targets[values.to] : undefined;
  if (reference === undefined || more.length > 0 || !write) throw new Error(`write \`lamina operator export NAME --to ${Object.keys(targets).join('|')}\``);
  const config = readConfig(environment);
  const index = await openOperators(config, { installed: packageFolder('operators'), log: createStreamLog(process.stderr, 'warning') });
  try {
    const text = write({
      operator: await operatorOf(index, reference, values.to === 'cwl'), image: values.image ?? 'lamina:latest', optionNames: RUN_OPTIONS,
      ...shownRegistries(environment['LAMINA_OPERATORS']),
      ...(values.claim !== undefined && { claim: values.claim }), ...(values['pull-secret'] && { pullSecrets: values['pull-secret'] }),
    });
    if (values.output === undefined) process.stdout.write(text);
    else await writeFile(values.output, text);
  } finally {
    index.close();
  }
}

/** With its parameters; for CWL those that are not given become inputs, also required ones. */
async function operatorOf(index: OperatorIndex, text: string, mayLack: boolean): Promise<Operator> {
  const { runtime, params } = parseReference(text);
  if (!mayLack || Object.keys(params).length > 0) return index.find(text);
  const plain = await index.findPlain(text);
  return runtime === undefined ? plain : { ...plain, reference: formatReference({ ...parseReference(plain.reference), runtime }) };
}

/** What is written into files must not hold a password; the machine that runs it has its own. */
function shownRegistries(registries: string | undefined): { registries?: string } {
  if (registries === undefined || registries.split(',').some((address) => withoutLogin(address) !== address)) return {};
  return { registries };
}
