/** A way to keep a program away from the machine, or not: it turns a program into the command that is started. */
import type { Operator } from '../operators/operator.ts';
import type { BaseRuntime } from '../operators/reference.ts';
import type { CommandLine, Folders, Program } from './program.ts';

/** What a run has for itself. */
export interface RunPlace {
  /** No other run has it; letters, digits and hyphens. */
  readonly name: string;
  /** An existing folder that goes away with the run; the work folder is in it. */
  readonly folder: string;
  /** What the tool itself finds as variables, and not the program: where its configuration is. */
  readonly toolEnvironment: Readonly<Record<string, string>>;
}

export interface Isolation {
  readonly name: Exclude<BaseRuntime, 'onnx'>;
  /** One line for people: what the program can reach. */
  readonly description: string;
  /** The program that has to be installed; null: none. */
  readonly tool: string | null;
  /** True when the program reaches neither files of the machine nor a network. */
  readonly isSealed: boolean;
  /** Whether the runtime can take the kind; else the reason, as the end of a sentence. */
  refuses(kind: Operator['manifest']['kind']): string | null;
  /** Paths under which the program finds the two folders. */
  inside(folders: Folders): Folders;
  /** Says, of a run that ended with this code and these words, why the tool could not even start the program; null when it did. */
  failedToStart?(exitCode: number, output: string): string | null;
  /** The command that starts it. */
  commandLine(program: Program, run: RunPlace): Promise<CommandLine>;
}

/** Where programs find their folders when they see another file system than ours: names that hide nothing of ours. */
export const INSIDE: Folders = { package: '/operator-package', work: '/operator-work' };

/** For isolations that have no images. */
export function refusesImages(kind: Operator['manifest']['kind']): string | null {
  return kind === 'image' ? 'it is a container image, which podman or docker run' : null;
}

/** The tool of an isolation that is not there, as a shell and timeout(1) say it. */
export function missingTool(tool: string, exitCode: number, output: string): string | null {
  const isMissing = exitCode === 127 && new RegExp(`(^|[ :'‘])${tool}['’]?: (not found|No such file)`, 'm').test(output);
  return isMissing ? `${tool} is not installed` : null;
}
