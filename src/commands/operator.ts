/** `lamina operator …`: makes, checks, imports and exports packages of AI-compressors. Needs neither a database nor a service. */
import { operatorCheck, operatorList, operatorPack, operatorShow } from './operator-package.ts';
import { operatorExport } from './operator-export.ts';
import { operatorImport } from './operator-import.ts';
import { operatorRegistryCommands } from './operator-registry.ts';
import { operatorTrustCommands } from './operator-trust.ts';
import { releaseCommand, testCommand } from './release.ts';

export type OperatorVerb = (args: string[], environment: NodeJS.ProcessEnv) => Promise<void>;

/** Further commands on operators are a line here. */
const verbs: Readonly<Record<string, OperatorVerb>> = {
  list: operatorList,
  show: operatorShow,
  pack: operatorPack,
  check: operatorCheck,
  import: operatorImport,
  export: operatorExport,
  ...operatorRegistryCommands,
  ...operatorTrustCommands,
  test: testCommand,
  release: releaseCommand,
};

/** Throws an Error with one line. */
export const operatorCommand: OperatorVerb = async ([name = '', ...args], environment) => {
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) throw new Error(`${name === '' ? 'a command is missing after `lamina operator`' : `there is no command \`lamina operator ${name}\``}; there are ${Object.keys(verbs).join(', ')}`);
  await verb(args, environment);
};
