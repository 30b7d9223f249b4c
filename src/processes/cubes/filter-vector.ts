/** filter_vector: the geometries that stand in a relation to other ones. */
import type { Cube } from '../../cube/cube.ts';
import type { Geometries } from '../../cube/dimension.ts';
import { geometryIndex } from '../../cube/geometries.ts';
import { pickLabels } from '../../cube/view.ts';
import { isEmptyGeometry } from '../../geo/geojson.ts';
import { relationTest, type Relation } from '../../geo/relations.ts';
import { reproject } from '../../geo/reproject.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf } from './arguments.ts';
import { explained, geometriesOf } from './geometries.ts';

const ID = 'filter_vector';

export const filterVector: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    geometryIndex(cube, ID, 'data');
    return pickByRelation(cube, geometriesOf(args, ID, 'geometries').geometries, (args['relation'] ?? 'intersects') as Relation, ID);
  },
};

/** The vector cube with the geometries of which 'geometry relation union-of-bases' is true, compared in its own system. */
export function pickByRelation(cube: Cube, bases: Geometries, relation: Relation, process: string, parameter = 'geometries'): Cube {
  const at = geometryIndex(cube, process, 'data');
  const { crs, shapes } = cube.dimensions[at]!.geometries!;
  const test = explained(process, parameter, () => relationTest(relation, bases.shapes.map((shape) => (isEmptyGeometry(shape) ? shape : reproject(shape, bases.crs, crs)))));
  return pickLabels(cube, at, explained(process, 'data', () => shapes.flatMap((shape, i) => (test(shape) ? [i] : []))));
}
