/**
 * An operator: a versioned AI-compressor package, arrays → arrays. It does not know STAC or openEO.
 *
 * The packages shipped with Lamina live in operators/<name>/: operator.json, model.onnx, golden.json,
 * card.md, report.json, and train/ with the code that made them.
 */

export interface OperatorBand {
  /** Sentinel-2 band name, e.g. 'B02'; matched first. */
  readonly name: string;
  /** STAC common name, e.g. 'blue'; matched when no band has the name. */
  readonly common_name?: string;
  readonly center_wavelength?: number;
}

/** operator.json. snake_case, because it travels. */
export interface OperatorManifest {
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly license: string;
  readonly kind: 'onnx';
  readonly model: { readonly file: string; readonly sha256: string; readonly opset: number; readonly input: string; readonly output: string };
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

/** An operator that has been resolved: its digest names exactly these files. */
export interface Operator {
  readonly manifest: OperatorManifest;
  /** 'sha256:…' over manifest and model. */
  readonly digest: string;
  /** 'pca@sha256:…' */
  readonly reference: string;
  /** Absolute path of the model file. */
  readonly modelPath: string;
}

/** Resolves 'name', 'name:1', 'name:1.2', 'name:1.2.3', 'name:latest' and 'name@sha256:…'. */
export interface OperatorRegistry {
  list(): readonly Operator[];
  /** Throws OperatorNotFound, naming the operators there are. */
  resolve(reference: string): Operator;
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
