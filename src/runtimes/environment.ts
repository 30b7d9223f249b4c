/** The variables that a program finds: the protocol's, its parameters, and a few that every program expects. */
import { parameterNameProblem } from '../operators/manifest-fields.ts';
import type { Operator } from '../operators/operator.ts';
import { parameterText } from '../operators/params.ts';
import { RuntimeUnavailable, type Folders } from './program.ts';

/** File names in the work folder. */
export const INPUT_FILE = 'input.npy';
export const OUTPUT_FILE = 'output.npy';
export const PARAMETERS_FILE = 'params.json';

/**
 * The variables of a program that sees the folders at these paths. Nothing of this process's own environment is
 * passed on, so no secret of the service can be read there. Throws RuntimeUnavailable for a parameter whose name
 * would change what is executed.
 */
export function variablesOf(operator: Operator, folders: Folders): Record<string, string> {
  const params = Object.entries(operator.params).flatMap(([name, value]) => {
    if (parameterNameProblem(name) !== null) throw new RuntimeUnavailable(`its parameter '${name}' has a name that programs can't be given: rename it in operator.json`);
    const text = parameterText(value);
    return text === null ? [] : [[name, text] as const];
  });
  return {
    ...Object.fromEntries(params),
    INPUT_PATH: `${folders.work}/${INPUT_FILE}`,
    OUTPUT_PATH: `${folders.work}/${OUTPUT_FILE}`,
    OPERATOR_PARAMS: `${folders.work}/${PARAMETERS_FILE}`,
  };
}

/** What every program expects to find, the same wherever it runs; and ONNX Runtime reports to nobody. */
export function usualVariables(home: string, temporary: string): Record<string, string> {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', ORT_DISABLE_TELEMETRY: '1' };
}
