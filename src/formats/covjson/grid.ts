/** Raster cubes: a coverage whose domain is a grid with the axes t, y and x. */
import { rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { permute } from '../../cube/permute.ts';
import type { Cube } from '../../cube/cube.ts';
import { spatialAxes } from '../../cube/window.ts';
import type { Grid } from '../../geo/grid.ts';
import { requireGrid } from '../raster-plan.ts';
import { TextFile } from '../text-file.ts';
import type { WriteContext } from '../writer.ts';
import { dataType, parameterObjects, plannedParameters, rolesOf, valuesText, type Roles } from './parameters.ts';
import { spatialReference, temporalReference } from './referencing.ts';

/** Samples read at once: numbers as text are several times larger than in memory. */
const WINDOW_SAMPLES = 256 * 1024;

/** Writes the coverage. Throws FormatUnsuitable for a cube without a grid. */
export async function writeGrid(cube: Cube, path: string, context: WriteContext): Promise<void> {
  const grid = requireGrid(cube, 'CovJSON');
  const axes = spatialAxes(cube.dimensions)!;
  const roles = rolesOf(cube, [axes.x, axes.y]);
  const parameters = plannedParameters(cube, roles.others);
  const times = roles.time < 0 ? [] : cube.labels(cube.dimensions[roles.time]!.name).map(String);
  const head = {
    type: 'Coverage',
    domain: {
      type: 'Domain',
      domainType: 'Grid',
      axes: { x: centres(grid, 'x'), y: centres(grid, 'y'), ...(roles.time >= 0 && { t: { values: times } }) },
      referencing: [spatialReference(grid.crs), ...(roles.time >= 0 ? [temporalReference] : [])],
    },
    parameters: parameterObjects(parameters),
  };
  const names = parameters.map(({ name }) => name);
  const shape = { axisNames: [...(roles.time >= 0 ? ['t'] : []), 'y', 'x'], shape: [...(roles.time >= 0 ? [times.length] : []), grid.height, grid.width] };
  const spool = new Spool(`${path}.spool`, names.length);
  try {
    await spool.fill((file) => writeValues(cube, roles, spool, file, context));
    await TextFile.create(path, async (file) => {
      await file.write(`${JSON.stringify(head).slice(0, -1)},"ranges":{`);
      for (const [i, name] of names.entries()) {
        const range = JSON.stringify({ type: 'NdArray', dataType: dataType(cube), ...shape });
        await file.write(`${i > 0 ? ',' : ''}${JSON.stringify(name)}:${range.slice(0, -1)},"values":[`);
        for await (const text of spool.texts(i)) await file.write(text);
        await file.write(']}');
      }
      await file.write('}}\n');
    });
  } finally {
    await spool.remove();
  }
}

/** Pixel centres as first, last and number. */
function centres({ originX, originY, stepX, stepY, width, height }: Grid, axis: 'x' | 'y'): Record<string, number> {
  if (axis === 'x') return { start: originX + stepX / 2, stop: originX + (width - 0.5) * stepX, num: width };
  return { start: originY - stepY / 2, stop: originY - (height - 0.5) * stepY, num: height };
}

/** Reads date after date in strips of whole rows, each once for all parameters. */
async function writeValues(cube: Cube, { time, others }: Roles, spool: Spool, file: TextFile, { signal, onProgress }: WriteContext): Promise<void> {
  const axes = spatialAxes(cube.dimensions)!;
  const dates = time < 0 ? 1 : cube.dimensions[time]!.size;
  const count = others.reduce((product, i) => product * cube.dimensions[i]!.size, 1);
  const { width, height } = cube.grid!;
  const rows = Math.max(1, Math.floor(WINDOW_SAMPLES / (width * count)));
  const order = [...(time < 0 ? [] : [time]), ...others, axes.y, axes.x];
  for (let date = 0; date < dates; date++) {
    for (let row = 0; row < height; row += rows) {
      signal.throwIfAborted();
      const start = cube.dimensions.map((_, i) => (i === time ? date : i === axes.y ? row : 0));
      const size = cube.dimensions.map((d, i) => (i === time ? 1 : i === axes.y ? Math.min(rows, height - row) : d.size));
      const { data, nulls } = permute(await cube.read({ start, size }, signal), order);
      const length = data.length / count;
      for (let i = 0; i < count; i++) await spool.add(file, i, valuesText(data, nulls, i * length, (i + 1) * length));
      onProgress?.((date + Math.min(1, (row + rows) / height)) / dates);
    }
  }
}

/** Text of several lists that are filled in turns and read one after the other; it waits in a file. */
class Spool {
  readonly #path: string;
  readonly #pieces: { readonly offset: number; readonly length: number }[][];
  #end = 0;

  constructor(path: string, lists: number) {
    this.#path = path;
    this.#pieces = Array.from({ length: lists }, () => []);
  }

  fill(action: (file: TextFile) => Promise<void>): Promise<void> {
    return TextFile.create(this.#path, action);
  }

  /** Appends values to a list. The text must be ASCII. */
  async add(file: TextFile, list: number, values: string): Promise<void> {
    const pieces = this.#pieces[list]!;
    const text = pieces.length > 0 ? `,${values}` : values;
    pieces.push({ offset: this.#end, length: text.length });
    this.#end += text.length;
    await file.write(text);
  }

  /** The text of a list. */
  async* texts(list: number): AsyncGenerator<string> {
    for (const { offset, length } of this.#pieces[list]!) {
      for await (const text of createReadStream(this.#path, { start: offset, end: offset + length - 1, encoding: 'latin1' })) yield text as string;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
