/** An operator as a job script of Slurm, PBS or LSF. The words of its call stand in quotes, so no value of a parameter is read by the shell. */
import { headline, jobName, runWords, type ExportTarget } from './target.ts';
import { shellWord } from '../shell-word.ts';

/** `sbatch FILE input.tif output.tif` */
export function toSlurm(target: ExportTarget): string {
  const { memory_mib: memory, cpu, gpu } = target.operator.manifest.resources ?? {};
  const directives = [
    `job-name=${jobName(target.operator)}`, 'nodes=1', 'ntasks=1', 'signal=B:TERM@30', 'export=ALL',
    ...(cpu === undefined ? [] : [`cpus-per-task=${Math.ceil(cpu)}`]),
    ...(memory === undefined ? [] : [`mem=${memory}M`]),
    ...(gpu ? ['gres=gpu:1'] : []),
  ];
  return script(target, directives.map((words) => `#SBATCH --${words}`), 'sbatch FILE INPUT.tif OUTPUT.tif', [
    'input=${1:?write: sbatch FILE INPUT.tif OUTPUT.tif}', 'output=${2:?write: sbatch FILE INPUT.tif OUTPUT.tif}',
  ]);
}

/** `qsub -v INPUT=input.tif,OUTPUT=output.tif FILE` */
export function toPbs(target: ExportTarget): string {
  const { memory_mib: memory, cpu, gpu } = target.operator.manifest.resources ?? {};
  const chunk = [`nodes=1:ppn=${Math.ceil(cpu ?? 1)}${gpu ? ':gpus=1' : ''}`, ...(memory === undefined ? [] : [`mem=${memory}mb`])];
  // PBS takes fifteen characters of a name.
  const name = jobName(target.operator).slice(0, 15).replace(/-+$/, '');
  const call = 'qsub -v INPUT=INPUT.tif,OUTPUT=OUTPUT.tif FILE';
  return script(target, [`-N ${name}`, `-l ${chunk.join(',')}`, '-j oe'].map((words) => `#PBS ${words}`), call, [
    'cd "${PBS_O_WORKDIR:-.}"', `input=\${INPUT:?write: ${call}}`, `output=\${OUTPUT:?write: ${call}}`,
  ]);
}

/** `INPUT=input.tif OUTPUT=output.tif bsub < FILE`: bsub hands the variables over. Tried with a stand-in of bsub only. */
export function toLsf(target: ExportTarget): string {
  const { memory_mib: memory, cpu = 1, gpu } = target.operator.manifest.resources ?? {};
  const directives = [
    `-J ${jobName(target.operator)}`, `-n ${Math.ceil(cpu)}`, '-R "span[hosts=1]"',
    ...(memory === undefined ? [] : [`-M ${memory}MB`]),
    ...(gpu ? ['-gpu "num=1"'] : []),
  ];
  const call = 'INPUT=INPUT.tif OUTPUT=OUTPUT.tif bsub < FILE';
  return script(target, directives.map((words) => `#BSUB ${words}`), call, [`input=\${INPUT:?write: ${call}}`, `output=\${OUTPUT:?write: ${call}}`]);
}

function script(target: ExportTarget, directives: readonly string[], call: string, start: readonly string[]): string {
  const words = runWords(target, '\0input', '\0output').map((word) => (word.startsWith('\0') ? `"$${word.slice(1)}"` : shellWord(word)));
  return [
    '#!/bin/sh', ...directives, ...headline(target).map((line) => `# ${line}`), `# ${call}`, 'set -eu', ...start,
    ...(target.registries === undefined ? [] : [`export LAMINA_OPERATORS=${shellWord(target.registries)}`]),
    // 'exec', so that the scheduler's signals reach it and its exit code is that of the job.
    `exec ${words.join(' ')}`, '',
  ].join('\n');
}
