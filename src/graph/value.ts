/** What flows along the edges of a process graph. */
import type { Cube } from '../cube/cube.ts';
import type { Label } from '../cube/dimension.ts';
import type { Callback } from './callback.ts';

/** An array whose elements have names, e.g. the values of one pixel along the bands. */
export class LabeledArray {
  readonly values: readonly Value[];
  readonly labels: readonly Label[];

  constructor(values: readonly Value[], labels: readonly Label[]) {
    this.values = values;
    this.labels = labels;
  }
}

export interface ObjectValue {
  readonly [key: string]: Value | undefined;
}

/** null is openEO's no-data. */
export type Value = null | boolean | number | string | readonly Value[] | LabeledArray | Cube | Callback | ObjectValue;

export type Arguments = Readonly<Record<string, Value | undefined>>;
