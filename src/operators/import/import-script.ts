/** A CLAIMED script or notebook as a package of the kind 'exec'. */
import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parameterNameProblem } from '../manifest-fields.ts';
import { claimedInterface, notebookSource, type ClaimedInterface } from './claimed.ts';
import { ImportRefused, newFolder, operatorNameOf, writeDraft, type Draft } from './draft.ts';

export interface ScriptOptions {
  /** Absent: after the file. */
  readonly name?: string;
  /** Absent: 0.1.0. */
  readonly version?: string;
  /** Install what it needs into the package, so that it runs without network. */
  readonly vendor?: boolean;
  /** The Python that installs. */
  readonly python?: string;
  /** Of the installing process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Its own words: variables of the protocol are no parameters. */
const PROTOCOL = new Set(['INPUT_PATH', 'OUTPUT_PATH', 'OPERATOR_PARAMS']);
const LAUNCHER = 'lamina_start.py';
/** Characters. */
export const LARGEST_SOURCE = 16 * 2 ** 20;

/**
 * Makes the package of a script (.py) or notebook (.ipynb) in the new folder `to`. Throws ImportRefused for files that are neither,
 * and when installing fails: a package without what it needs is none.
 */
export async function importScript(file: string, to: string, options: ScriptOptions = {}): Promise<Draft> {
  const source = await sourceOf(file);
  const { version = '0.1.0', vendor = false } = options;
  return draftOfSource({ source, from: basename(file), name: options.name ?? operatorNameOf(basename(file)), version, add: async (folder, { requirements }) => {
    if (vendor && requirements.length > 0) await installInto(folder, options);
    return { remarks: [], hasPackages: vendor };
  } }, to);
}

/** Python source that becomes an operator. */
export interface PythonOperator {
  readonly source: string;
  /** What people know it as. */
  readonly from: string;
  readonly name: string;
  readonly version: string;
  /** Puts further files into the folder of the package; `hasPackages`: what the source needs is among them. */
  readonly add: (folder: string, found: ClaimedInterface) => Promise<{ readonly remarks: readonly string[]; readonly hasPackages: boolean }>;
}

/** Makes the package in the new folder `to`; nothing of it stays when `add` throws. */
export async function draftOfSource({ source, from, name, version, add }: PythonOperator, to: string): Promise<Draft> {
  const found = claimedInterface(source);
  const { params, remarks } = withoutReserved(found);
  const script = `${name.replaceAll('-', '_')}.py`;
  await newFolder(to);
  try {
    await writeFile(join(to, script), source);
    await writeFile(join(to, LAUNCHER), launcher(script));
    if (found.requirements.length > 0) await writeFile(join(to, 'requirements.txt'), `${found.requirements.join('\n')}\n`);
    const added = await add(to, found);
    return await writeDraft(to, {
      name, version, title: found.title || name, description: found.description || `Imported from ${from}.`,
      kind: 'exec', command: ['python3', `./${LAUNCHER}`], params,
    }, [...remarks, ...added.remarks], stillToDo(source, found, added.hasPackages));
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error;
  }
}

async function sourceOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ImportRefused(`${basename(file)} can't be read (${error.code})`, { cause: error });
  });
  if (text.length > LARGEST_SOURCE) throw new ImportRefused(`${basename(file)} is longer than the ${LARGEST_SOURCE} characters that are read`);
  if (file.endsWith('.py')) return text.replaceAll('\r\n', '\n');
  if (!file.endsWith('.ipynb')) throw new ImportRefused(`${basename(file)} is neither a script (.py) nor a notebook (.ipynb)`);
  try {
    return notebookSource(text);
  } catch (error) {
    throw new ImportRefused(`${basename(file)}: ${(error as Error).message}`, { cause: error });
  }
}

/** A script may read HOME or PATH; a caller who could set them would reach further than the operator. */
function withoutReserved({ params, remarks, outputs }: ClaimedInterface): Pick<ClaimedInterface, 'params' | 'remarks'> {
  const refused = params.filter(({ name }) => parameterNameProblem(name) !== null);
  return {
    params: params.filter((parameter) => !refused.includes(parameter)),
    remarks: [
      ...remarks,
      ...refused.filter(({ name }) => !PROTOCOL.has(name)).map(({ name }) => `'${name}' is read and becomes no parameter: it ${parameterNameProblem(name)}`),
      ...(outputs.length > 0 ? [`${outputs.map((name) => `'${name}'`).join(', ')} ${outputs.length === 1 ? 'is an output' : 'are outputs'} of CLAIMED; what Lamina takes is the file at OUTPUT_PATH`] : []),
    ],
  };
}

function stillToDo(source: string, { requirements }: ClaimedInterface, hasPackages: boolean): string[] {
  const unused = ['INPUT_PATH', 'OUTPUT_PATH'].filter((variable) => !source.includes(variable));
  return [
    ...(unused.length > 0 ? [`the program does not use ${unused.join(' and ')}: it must read float32 [n, bands, rows, columns] (.npy) from INPUT_PATH and write [n, dimensions, rows, columns] of patches to OUTPUT_PATH`] : []),
    ...(requirements.length > 0 && !hasPackages ? [`it needs ${requirements.join(', ')}, which nothing installs where it runs: import it with --vendor, or make an image`] : []),
  ];
}

/**
 * Started instead of the script, in the folder of the package. Paths follow from where the launcher lies, so the package can be moved;
 * flags are given such that Python's bool() takes them as they are meant.
 */
function launcher(script: string): string {
  return `"""Starts ${script} with the parameters of a Lamina operator."""
import json
import os
import runpy
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, 'lib')]
sys.dont_write_bytecode = True
with open(os.environ['OPERATOR_PARAMS'], encoding='utf-8') as file:
    params = json.load(file)
for name, value in params.items():
    # bool('false') is true: the empty text is the only one that is not.
    if isinstance(value, bool):
        os.environ[name] = 'True' if value else ''
runpy.run_path(os.path.join(here, ${JSON.stringify(script)}), run_name='__main__')
`;
}

/** Ends with the installer's own last words when it fails. */
async function installInto(folder: string, { python = 'python3', environment = {} }: ScriptOptions): Promise<void> {
  const target = join(folder, 'lib');
  const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile', '--target', target, '-r', join(folder, 'requirements.txt')];
  const { code, tail } = await finished(python, words, environment);
  if (code !== 0) throw new ImportRefused(`installing what it needs failed (pip ended with ${code}), so there is no package: ${tail}`);
  // Scripts of packages name the Python that installed them by its path.
  await rm(join(target, 'bin'), { recursive: true, force: true });
}

function finished(program: string, words: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<{ code: number | string; tail: string }> {
  return new Promise((resolve) => {
    let tail = '';
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...environment } });
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (tail = (tail + text).slice(-2000)));
    child.on('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? 'an error', tail: `${program} can't be started` }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? 'a signal', tail: tail.trim() }));
  });
}
