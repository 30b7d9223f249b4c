/** bundle.json: what a bundle of `lamina bundle` is to do, for the program in it and for people. */
import type { ParameterValues } from '../operators/operator.ts';
import type { RuntimeName } from '../operators/reference.ts';

export const BUNDLE_FILE = 'bundle.json';
/** Folders of a bundle. */
export const OPERATOR_FOLDER = 'operator';
export const INPUTS_FOLDER = 'inputs';
export const PROGRAM_FOLDER = 'lamina';

export interface BundleFile {
  readonly format: 'lamina-bundle/1';
  /** Version of Lamina. */
  readonly lamina: string;
  /** What it runs on: the libraries in it are for this kind of machine. */
  readonly machine: { readonly node: number; readonly platform: string; readonly arch: string };
  readonly operator: {
    readonly name: string;
    readonly version: string;
    /** With its parameters; checked before anything is computed. */
    readonly digest: string;
    /** null: the first that works on the node. */
    readonly runtime: RuntimeName | null;
    readonly params: ParameterValues;
    /** Why it may run only where it is isolated; absent: anywhere. */
    readonly isolated?: string;
  };
  /** Names of the files' bands, 'B02,B03'; null: as in the files. */
  readonly bands: string | null;
  readonly quantization: string;
  readonly inputs: readonly BundledInput[];
}

export interface BundledInput {
  /** Path in the bundle. */
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  /** Name of the file that is made of it. */
  readonly output: string;
}
