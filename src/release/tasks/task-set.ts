/** Task sets: scenes with something known about every pixel, on which vectors are tried. */
import type { OperatorBand } from '../../operators/operator.ts';

/** Something to be told from a vector. */
export interface Task {
  readonly name: string;
  /** 'classes': which of several; 'amount': how much. */
  readonly kind: 'classes' | 'amount';
  /** Names of classes, by their number; pixels of class 255 have none. */
  readonly classes?: readonly string[];
}

/** One piece of ground. Arrays are row-major. */
export interface Scene {
  readonly name: string;
  /** Pixels of the ground that is labelled; the pixels around belong to `samples` only. */
  readonly rows: number;
  readonly columns: number;
  /** Raw digital numbers [bands, rows + 2·halo, columns + 2·halo]. */
  readonly samples: Float32Array;
  /** By the name of the task, [rows, columns]: numbers of classes, or amounts. */
  readonly labels: Readonly<Record<string, Uint8Array | Float32Array>>;
}

/** What of an operator decides how scenes must look. */
export interface SceneGeometry {
  readonly bands: readonly OperatorBand[];
  readonly patch: number;
  readonly halo: number;
  /** Put where a sample has no data. */
  readonly fill: number;
}

export interface TaskSet {
  readonly name: string;
  readonly description: string;
  readonly license: string;
  /** Names exactly this content; figures of two operators compare only under one digest. */
  readonly digest: string;
  readonly tasks: readonly Task[];
  /** Pixels a side of the squares that are learnt from or judged as one; absent: whole scenes are. */
  readonly block?: number;
  /** The scenes for an operator, one at a time; null with the reason when the set can't serve it. */
  scenes(geometry: SceneGeometry): AsyncIterable<Scene> | { readonly unsuitable: string };
}
