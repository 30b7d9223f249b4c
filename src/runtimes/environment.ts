/** The variables that a program finds: the protocol's, its parameters, and a few that every program expects. */
import type { Operator, ParameterValue } from '../operators/operator.ts';
import { RuntimeUnavailable, type Folders } from './program.ts';

/** File names in the work folder. */
export const INPUT_FILE = 'input.npy';
export const OUTPUT_FILE = 'output.npy';
export const PARAMETERS_FILE = 'params.json';

/** Variables that decide what is executed, or that belong to the protocol: no parameter may have such a name. */
const RESERVED = /^(PATH|HOME|TMPDIR|LANG|LC_.*|LD_.*|GLIBC_TUNABLES|IFS|ENV|BASH_ENV|SHELLOPTS|NODE_.*|PYTHON.*|PERL5.*|RUBY.*|INPUT_PATH|OUTPUT_PATH|OPERATOR_PARAMS|CONTAINERS_.*|XDG_.*|DOCKER_.*|SLURM_.*|PBS_.*|LAMINA_.*)$/;

/**
 * A parameter as the text of a variable: booleans 'true' and 'false', arrays as JSON, everything else as it is;
 * undefined for null, whose variable is not set.
 */
export function textOfValue(value: ParameterValue): string | undefined {
  if (value === null) return undefined;
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}

/**
 * The variables of a program that sees the folders at these paths. Nothing of this process's own environment is
 * passed on, so no secret of the service can be read there. Throws RuntimeUnavailable for a parameter whose name
 * would change what is executed.
 */
export function variablesOf(operator: Operator, folders: Folders): Record<string, string> {
  const params = Object.entries(operator.params).flatMap(([name, value]) => {
    if (RESERVED.test(name) || !/^[A-Za-z_]\w*$/.test(name)) throw new RuntimeUnavailable(`its parameter '${name}' has a name that programs can't be given: rename it in operator.json`);
    const text = textOfValue(value);
    if (text?.includes('\0')) throw new RuntimeUnavailable(`the value of its parameter '${name}' has a NUL character, which no variable can hold`);
    return text === undefined ? [] : [[name, text] as const];
  });
  return {
    ...Object.fromEntries(params),
    INPUT_PATH: `${folders.work}/${INPUT_FILE}`,
    OUTPUT_PATH: `${folders.work}/${OUTPUT_FILE}`,
    OPERATOR_PARAMS: `${folders.work}/${PARAMETERS_FILE}`,
  };
}

/** What every program expects to find. The same wherever it runs. */
export function usualVariables(home: string, temporary: string): Record<string, string> {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8' };
}
