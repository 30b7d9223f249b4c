/** Counts how the blocks of a tile are come by, and refuses more inferences than a map tile is worth. */
import { OpenEOError } from '../errors.ts';
import type { RunFacts } from './scope.ts';

export class BoundedFacts implements RunFacts {
  cached = 0;
  samplesRead = 0;
  readonly #limit: number;
  readonly #layer: string;
  readonly #zoom: number;
  #computed = 0;

  /**
   * @param limit blocks that may be computed
   * @param layer and zoom: what the refusal names
   */
  constructor(limit: number, layer: string, zoom: number) {
    this.#limit = limit;
    this.#layer = layer;
    this.#zoom = zoom;
  }

  get computed(): number {
    return this.#computed;
  }

  /** Told before a block is computed. Throws ProcessGraphComplexity beyond the limit. */
  set computed(count: number) {
    if (count > this.#limit) {
      throw new OpenEOError('ProcessGraphComplexity', {}, { detail: `A tile of layer '${this.#layer}' at zoom ${this.#zoom} needs more than ${this.#limit} blocks that nobody has computed yet; zoom in, or warm or materialise the layer here first.` });
    }
    this.#computed = count;
  }
}
