/** Vector cubes: points and polygons, with or without a time axis. */
import { product, type Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import type { Geometries } from '../../cube/dimension.ts';
import { permute } from '../../cube/permute.ts';
import { OpenEOError } from '../../errors.ts';
import { TextFile } from '../text-file.ts';
import type { WriteContext } from '../writer.ts';
import { dataType, parameterObjects, plannedParameters, rolesOf, valuesText, type Roles } from './parameters.ts';
import { spatialReference, temporalReference } from './referencing.ts';

type Kind = 'Point' | 'Polygon';

/**
 * Writes the coverage: MultiPoint or MultiPolygon; with dates MultiPolygonSeries, or a collection of
 * PointSeries. Throws FormatUnsuitable for other geometries, and mixed ones, which CoverageJSON has no domain for.
 */
export async function writeVectors(cube: Cube, path: string, { signal, onProgress }: WriteContext): Promise<void> {
  const geometry = cube.dimensions.findIndex((d) => d.type === 'geometry');
  const geometries = geometriesOf(cube, geometry);
  const kind = kindOf(geometries);
  const roles = rolesOf(cube, [geometry]);
  const block = await cube.read(cube.fullWindow(), signal);
  const coverage = kind === 'Point' && roles.time >= 0 ? pointSeries(cube, geometry, geometries, roles, block) : composite(cube, kind, geometry, geometries, roles, block);
  await TextFile.create(path, async (file) => {
    for (const text of coverage) await file.write(text);
  });
  onProgress?.(1);
}

function geometriesOf(cube: Cube, index: number): Geometries {
  const { geometries } = cube.dimensions[index]!;
  if (!geometries) throw new OpenEOError('FormatUnsuitable', {}, { detail: 'CovJSON needs to know the geometries, and the labels of this data cube no longer stand for any. Save it as JSON.' });
  return geometries;
}

function kindOf({ shapes }: Geometries): Kind {
  const [type] = shapes.map((shape) => shape.type);
  if ((type === 'Point' || type === 'Polygon') && shapes.every((shape) => shape.type === type)) return type;
  const types = [...new Set(shapes.map((shape) => shape.type))].join(', ');
  throw new OpenEOError('FormatUnsuitable', {}, { detail: `CovJSON holds points, or polygons of one part, and not ${types}. Save the data cube as GeoJSON, CSV or Parquet.` });
}

const timesOf = (cube: Cube, { time }: Roles) => (time < 0 ? [] : cube.labels(cube.dimensions[time]!.name).map(String));

/** All geometries in one domain. */
function* composite(cube: Cube, kind: Kind, geometry: number, { crs, shapes }: Geometries, roles: Roles, block: Block): Generator<string> {
  const times = timesOf(cube, roles);
  const isSeries = roles.time >= 0;
  const reference = spatialReference(crs);
  const parameters = plannedParameters(cube, roles.others);
  const head = {
    type: 'Coverage',
    domain: {
      type: 'Domain',
      domainType: `Multi${kind}${isSeries ? 'Series' : ''}`,
      axes: {
        composite: { dataType: kind === 'Point' ? 'tuple' : 'polygon', coordinates: ['x', 'y'], values: shapes.map((shape) => flat(shape.coordinates)) },
        ...(isSeries && { t: { values: times } }),
      },
      referencing: [reference, ...(isSeries ? [temporalReference] : [])],
    },
    parameters: parameterObjects(parameters),
  };
  const { data, nulls } = permute(block, [...roles.others, ...(isSeries ? [roles.time] : []), geometry]);
  const length = product(cube.shape) / parameters.length;
  yield `${JSON.stringify(head).slice(0, -1)},"ranges":{`;
  for (const [i, { name }] of parameters.entries()) {
    const range = { type: 'NdArray', dataType: dataType(cube), axisNames: [...(isSeries ? ['t'] : []), 'composite'], shape: [...(isSeries ? [times.length] : []), shapes.length] };
    yield `${i > 0 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(range).slice(0, -1)},"values":[${valuesText(data, nulls, i * length, (i + 1) * length)}]}`;
  }
  yield '}}\n';
}

/** A coverage of its own for each point. */
function* pointSeries(cube: Cube, geometry: number, { crs, shapes }: Geometries, roles: Roles, block: Block): Generator<string> {
  const times = timesOf(cube, roles);
  const parameters = plannedParameters(cube, roles.others);
  const labels = cube.labels(cube.dimensions[geometry]!.name);
  const head = { type: 'CoverageCollection', domainType: 'PointSeries', parameters: parameterObjects(parameters), referencing: [spatialReference(crs), temporalReference] };
  const { data, nulls } = permute(block, [geometry, ...roles.others, roles.time]);
  yield `${JSON.stringify(head).slice(0, -1)},"coverages":[`;
  for (const [i, shape] of shapes.entries()) {
    const [x, y] = shape.coordinates as [number, number];
    const domain = { type: 'Domain', axes: { x: { values: [x] }, y: { values: [y] }, t: { values: times } } };
    const ranges = parameters.map(({ name }, k) => {
      const start = (i * parameters.length + k) * times.length;
      const range = { type: 'NdArray', dataType: dataType(cube), axisNames: ['t'], shape: [times.length] };
      return `${JSON.stringify(name)}:${JSON.stringify(range).slice(0, -1)},"values":[${valuesText(data, nulls, start, start + times.length)}]}`;
    });
    yield `${i > 0 ? ',' : ''}{"type":"Coverage","id":${JSON.stringify(String(labels[i]))},"domain":${JSON.stringify(domain)},"ranges":{${ranges.join(',')}}}`;
  }
  yield ']}\n';
}

/** Coordinates without heights: the domain has x and y only. */
function flat(coordinates: unknown): unknown {
  const list = coordinates as readonly unknown[];
  return typeof list[0] === 'number' ? list.slice(0, 2) : list.map(flat);
}
