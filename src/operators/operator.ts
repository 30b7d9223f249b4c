/**
 * An operator: a versioned AI-compressor package, arrays → arrays. It does not know STAC or openEO.
 *
 * The packages shipped with Lamina live in operators/<name>/: operator.json, model.onnx, golden.json,
 * card.md, report.json, and train/ with the code that made them.
 */

import type { BatchOptions } from './batch-options.ts';

export interface OperatorBand {
  /** Sentinel-2 band name, e.g. 'B02'; matched first. */
  readonly name: string;
  /** STAC common name, e.g. 'blue'; matched when no band has the name. */
  readonly common_name?: string;
  readonly center_wavelength?: number;
}

/** A parameter that callers may set. It reaches a program as environment variable and in a JSON file, a model not at all. */
export interface OperatorParameter {
  readonly name: string;
  readonly description: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  /** Of the entries of an array. */
  readonly items?: 'string' | 'integer' | 'number' | 'boolean';
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
  /** Absent: the parameter is required. */
  readonly default?: ParameterValue;
}

export type ParameterValue = string | number | boolean | null | readonly (string | number | boolean)[];
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** What an operator needs of a machine, as its author says; runtimes enforce it where they can. */
export interface OperatorResources {
  readonly memory_mib?: number;
  readonly cpu?: number;
  /** Uses an accelerator when there is one. */
  readonly gpu?: boolean;
  /** Is useless without: runs nowhere else. Only with `gpu`. */
  readonly accelerator_constrained?: boolean;
  /** For one call. */
  readonly seconds?: number;
}

/** A file of the package besides operator.json. */
export interface PackageFile {
  readonly sha256: string;
  readonly size: number;
  readonly role?: string;
}

/** How the vectors are computed: by kind. */
export type OperatorManifest = ManifestFields & (OnnxKind | ExecKind | ImageKind);

/** A model in ONNX format. */
export interface OnnxKind {
  readonly kind: 'onnx';
  readonly model: { readonly file: string; readonly sha256: string; readonly opset: number; readonly input: string; readonly output: string };
}

/**
 * A program. It is started in the folder of the package and finds, as environment variables, INPUT_PATH (a .npy file,
 * float32 [n, bands, rows, columns]), OUTPUT_PATH (where to write float32 [n, dimensions, rows, columns] of patches as
 * .npy), OPERATOR_PARAMS (a JSON file with all parameters), and each parameter by its name.
 */
export interface ExecKind {
  readonly kind: 'exec';
  /** Program and arguments; './run.sh' and other names of files are those of the package. */
  readonly command: readonly string[];
  /** All files of the package but operator.json: its digest names them. */
  readonly files: Readonly<Record<string, PackageFile>>;
}

/** A program in a container image; the same variables as for a program. */
export interface ImageKind {
  readonly kind: 'image';
  /** With digest: 'docker.io/name/image@sha256:…'. */
  readonly image: string;
  /** Absent: the image's own. */
  readonly command?: readonly string[];
}

/** operator.json, what all kinds have. snake_case, because it travels. */
export interface ManifestFields {
  /** Whose it is: 'e2s' of 'e2s/ai-compressor'. */
  readonly namespace?: string;
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly license: string;
  readonly params?: readonly OperatorParameter[];
  /** Files of the package besides operator.json, by path. Programs list all of theirs. */
  readonly files?: Readonly<Record<string, PackageFile>>;
  readonly resources?: OperatorResources;
  readonly input: {
    /** In the order of the model's channels. The model takes raw digital numbers as float32 [N, bands, H, W]; normalisation is inside. */
    readonly bands: readonly OperatorBand[];
    /** Value that stands in for no-data samples before inference. */
    readonly fill: number;
    /** Resolution the operator was trained for, metres, and the accepted range. */
    readonly gsd: number;
    readonly gsd_range: readonly [number, number];
  };
  /**
   * Geometry, in input pixels. For an input of (n·patch + 2·halo) pixels the model gives n vectors per
   * axis: convolutions are 'valid', so a vector depends on its patch and halo only and blocks have no seams.
   */
  readonly patch: number;
  readonly halo: number;
  readonly output: {
    readonly dimensions: number;
    /** True when the first k dimensions are an embedding of their own. */
    readonly prefix_truncatable: boolean;
    /** 'unit': every vector has length 1, and a mean of vectors (an overview) is brought back to it. Absent: neither. */
    readonly norm?: 'unit';
  };
  /** Share of valid pixels that a patch needs; below it the vector is no-data. */
  readonly min_valid: number;
  readonly quantization: {
    /** stored = round((value − offset) / scale), clamped to −127…127; −128 is no-data. One entry per dimension. */
    readonly int8: { readonly scale: readonly number[]; readonly offset: readonly number[] };
    /** value = gain · sign(code) · (code / 127.5)². Absent: 1 for unit vectors, else what holds all that int8 holds. */
    readonly power2?: { readonly gain: number };
    /** A bit is 1 where the dimension is above its threshold. Absent: rgb.mean. */
    readonly binary?: { readonly threshold: readonly number[] };
  };
  /** Basis of the stable PCA-RGB picture: rgb = clamp((value − mean)·component; low..high → 0..255). */
  readonly rgb: {
    readonly mean: readonly number[];
    readonly components: readonly (readonly number[])[];
    readonly low: readonly number[];
    readonly high: readonly number[];
  };
  readonly golden: string;
}

/** An operator that has been resolved: its digest names exactly these files and parameters. */
export interface Operator {
  readonly manifest: OperatorManifest;
  /** 'sha256:…' over manifest (which names the digests of the files), and over parameters where they are not the defaults. Part of the keys of blocks. */
  readonly digest: string;
  /** Pinned; resolves to this operator again: 'pca@sha256:…', 'podman/spectral@sha256:…?gain=2'. */
  readonly reference: string;
  /** What runs it: 'onnx' (threads of the worker) or the name of another runtime. Says nothing about the vectors, so it is not in the digest. */
  readonly runtime: string;
  /** Of all parameters; defaults filled in. */
  readonly params: ParameterValues;
  /** Whose signature it has, that the service trusts. */
  readonly signedBy?: string;
  /** Why it may run only where it is isolated: nobody who is trusted signed it. Absent: it may run anywhere. */
  readonly isolated?: string;
  /** What jobs of batch systems that run it are submitted with, beside and before what the service says. */
  readonly batch?: BatchOptions;
  /** Absolute path of the folder with its files. They are fetched first where only the manifest is on this machine; throws OperatorUnavailable. */
  folder(): Promise<string>;
}

/** Resolves 'name', 'name:1', 'name:1.2', 'name:1.2.3', 'name:latest' and 'name@sha256:…', with a runtime before it ('podman/name:1') and parameters behind ('name:1?gain=2'). */
export interface OperatorRegistry {
  /** By name, each name with the version that it alone means first, then the newest first. */
  list(): readonly Operator[];
  /** `options`: parameters as JSON has them, beside those of the reference. Throws OperatorNotFound, naming the operators there are, and ProcessParameterInvalid for parameters that it does not take. */
  resolve(reference: string, options?: Readonly<Record<string, unknown>>): Operator;
  /** What whoever uses the operator should know, e.g. that its registry does not answer; null: nothing. Absent: there never is anything. */
  caveat?(operator: Operator): string | null;
}

/** Runs operators; inference happens in worker threads, never on the calling thread. */
export interface OperatorRuntime {
  /**
   * Embeds one block. `input` holds [bands, rows, columns] raw samples with no-data already replaced,
   * rows = n·patch + 2·halo. Gives [dimensions, rows of patches, columns of patches].
   */
  run(operator: Operator, input: Float32Array, rows: number, columns: number, signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}
