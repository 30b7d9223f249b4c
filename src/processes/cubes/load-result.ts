/** load_result, a process of versions 1.x: results of a batch job by its id, or by their URL, which load_stac took over. */
import type { Cube } from '../../cube/cube.ts';
import type { Implementation } from '../../graph/process.ts';
import { textOf } from './arguments.ts';
import { limitsOf, withinPolygons } from './load-collection.ts';
import { urlOf } from './load-stac.ts';

const ID = 'load_result';

export const loadResult: Implementation = {
  async run(args, { scope }): Promise<Cube> {
    const { polygons, ...limits } = limitsOf(args, ID);
    const id = textOf(args, ID, 'id');
    const url = /^https?:/i.test(id) ? urlOf(id, ID) : `job:${id}`;
    return withinPolygons(await scope.loadStac({ url, ...limits }), polygons);
  },
};
