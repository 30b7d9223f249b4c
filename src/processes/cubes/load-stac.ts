/** load_stac: opens what lies behind a STAC URL; the scope knows how to reach it. */
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { textOf } from './arguments.ts';
import { limitsOf, withinPolygons } from './load-collection.ts';

const ID = 'load_stac';
const LONGEST_URL = 8192;

export const loadStac: Implementation = {
  async run(args, { scope }): Promise<Cube> {
    const { polygons, ...limits } = limitsOf(args, ID);
    return withinPolygons(await scope.loadStac({ url: urlOf(textOf(args, ID, 'url'), ID), ...limits }), polygons);
  },
};

/** A URL that may be fetched, without its fragment. Throws ProcessParameterInvalid. */
export function urlOf(text: string, process: string): string {
  const url = URL.canParse(text) && text.length <= LONGEST_URL ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalidArgument(process, 'url', 'it is not a URL that begins with http:// or https://');
  if (url.username !== '' || url.password !== '') throw invalidArgument(process, 'url', 'it holds a user name or password, which are not sent; use a signed URL');
  url.hash = '';
  return url.href;
}
