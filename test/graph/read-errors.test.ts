/** Errors that come up while values are read tell which node made the cube. */
import { describe, expect, it } from 'vitest';
import { Cube } from '../../src/cube/cube.ts';
import { OpenEOError } from '../../src/errors.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Implementation } from '../../src/graph/process.ts';
import type { ProcessDescription } from '../../src/graph/wire.ts';
import { allProcesses, createRegistry } from '../../src/processes/index.ts';
import { descriptions, emptyScope } from '../processes/registry.ts';

const failure = () => Promise.reject(new OpenEOError('StorageFailure', {}));

/** A process that gives a cube whose samples can't be read, and which is as broken on other grids. */
const broken: Implementation = {
  run: () => {
    const parts = { dimensions: [{ name: 't', type: 'temporal', size: 1, labels: ['2024-01-01'] }], grid: null, dtype: 'uint8', read: failure, fingerprint: failure } as const;
    return new Cube({ ...parts, regrid: () => new Cube(parts) });
  },
};
const description: ProcessDescription = { id: 'broken', parameters: [], returns: { schema: {} } };
const registry = createRegistry(new Map([...descriptions, ['broken', description]]), { ...allProcesses, broken });
const run = async (process_graph: object) => await evaluate({ process_graph }, registry, emptyScope()) as Cube;
const caught = async (work: Promise<unknown>) => work.then(() => null, (error: unknown) => error as OpenEOError);
const grid = { crs: 'EPSG:4326', originX: 0, originY: 0, stepX: 1, stepY: 1, width: 1, height: 1 };

describe('an error while a cube is read', () => {
  it('has the path of the node that made the cube', async () => {
    const cube = await run({ load: { process_id: 'broken', arguments: {}, result: true } });
    const path = [{ node_id: 'load', process_id: 'broken' }];
    expect(await caught(cube.read(cube.fullWindow()))).toMatchObject({ path, message: expect.stringContaining('(node \'load\')') as string });
    expect(await caught(cube.fingerprint(cube.fullWindow()))).toMatchObject({ path });
    expect(await caught(cube.regrid!(grid, 'near').read(cube.fullWindow()))).toMatchObject({ path });
  });

  it('names the first node it passes, not those that only read', async () => {
    const cube = await run({
      load: { process_id: 'broken', arguments: {} },
      shown: { process_id: 'inspect', arguments: { data: { from_node: 'load' } } },
      renamed: { process_id: 'rename_dimension', arguments: { data: { from_node: 'shown' }, source: 't', target: 'time' }, result: true },
    });
    const error = await caught(cube.read(cube.fullWindow()));
    expect(error).toMatchObject({ path: [{ node_id: 'load', process_id: 'broken' }] });
    expect(error!.message.match(/node '/g)).toHaveLength(1);
  });

  it('has the whole path inside of a child process', async () => {
    const child = { process_graph: {
      load: { process_id: 'broken', arguments: {} },
      both: { process_id: 'merge_cubes', arguments: { cube1: { from_parameter: 'data' }, cube2: { from_node: 'load' }, overlap_resolver: { process_graph: { sum: { process_id: 'add', arguments: { x: { from_parameter: 'x' }, y: { from_parameter: 'y' } }, result: true } } } }, result: true },
    } };
    const cube = await run({
      source: { process_id: 'create_data_cube', arguments: {} },
      time: { process_id: 'add_dimension', arguments: { data: { from_node: 'source' }, name: 't', label: '2024-01-01', type: 'temporal' } },
      other: { process_id: 'add_dimension', arguments: { data: { from_node: 'time' }, name: 'b', label: 'a' } },
      pieces: { process_id: 'apply_neighborhood', arguments: { data: { from_node: 'other' }, process: child, size: [{ dimension: 't', value: 2, unit: 'px' }] }, result: true },
    });
    expect(await caught(cube.read(cube.fullWindow()))).toMatchObject({ path: [{ node_id: 'pieces' }, { node_id: 'load', process_id: 'broken' }] });
  });

  it('stays what it is when it is none of openEO', async () => {
    const reason = new Error('gone');
    const cube = await run({ load: { process_id: 'broken', arguments: {}, result: true } });
    expect(await caught(cube.read(cube.fullWindow(), AbortSignal.abort(reason)))).toBe(reason);
  });
});

describe('a child process on cubes', () => {
  const size = [{ dimension: 't', value: 2, unit: 'px' }];
  const graph = (child: object) => ({
    source: { process_id: 'create_data_cube', arguments: {} },
    time: { process_id: 'add_dimension', arguments: { data: { from_node: 'source' }, name: 't', label: '2024-01-01', type: 'temporal' } },
    other: { process_id: 'add_dimension', arguments: { data: { from_node: 'time' }, name: 'b', label: 'a' } },
    pieces: { process_id: 'apply_neighborhood', arguments: { data: { from_node: 'other' }, process: { process_graph: child }, size }, result: true },
  });

  it('has its arguments checked like any other graph', async () => {
    const error = await caught(run(graph({ mean: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } })));
    expect(error).toMatchObject({ code: 'ProcessParameterInvalid', path: [{ node_id: 'pieces' }, { node_id: 'mean' }], message: expect.stringContaining('reduce_dimension') as string });
  });

  it('sees the parameters around it', async () => {
    const child = { named: { process_id: 'rename_dimension', arguments: { data: { from_parameter: 'data' }, source: 'b', target: { from_parameter: 'name' } }, result: true } };
    const definition = { process_graph: graph(child), parameters: [{ name: 'name', description: '', schema: { type: 'string' } }] };
    const error = await caught(evaluate(definition, registry, emptyScope(), { name: 'c' }));
    expect(error).toMatchObject({ code: 'DataCubePropertiesImmutable', message: expect.stringContaining('\'c\'') as string });
  });
});
