/** load_geojson: GeoJSON as a vector cube. */
import { vectorCube } from '../../cube/feature-values.ts';
import { invalidArgument } from '../../errors.ts';
import { GeometryError } from '../../geo/geometry.ts';
import type { Implementation } from '../../graph/process.ts';
import { kindOf, listOf } from './arguments.ts';
import { featuresOf } from './geometries.ts';

const ID = 'load_geojson';

export const loadGeojson: Implementation = {
  run(args) {
    const features = featuresOf(args['data'], ID, 'data');
    const names = listOf(args, ID, 'properties').map((name) => {
      if (typeof name === 'string') return name;
      throw invalidArgument(ID, 'properties', `the name of a property must be a text, not ${kindOf(name)}`);
    });
    try {
      return vectorCube(features, names);
    } catch (error) {
      if (!(error instanceof GeometryError)) throw error;
      throw invalidArgument(ID, 'properties', error.message, { cause: error });
    }
  },
};
