/** GET /service_types: what can be published, and how it can be configured. */
import type { Response } from 'express';
import { configurationSchemas } from '../../services/configuration.ts';
import type { ServiceType } from '../../services/service.ts';
import type { Context } from './endpoint.ts';

const types: Readonly<Record<ServiceType, { readonly title: string; readonly description: string; readonly about: string }>> = {
  XYZ: {
    title: 'XYZ tiles',
    description: 'Web map tiles (`{z}/{x}/{y}`, rows counted from the north) for Leaflet, OpenLayers, MapLibre, QGIS and others. `?datetime=2021-05-01` or an interval shows what the result has on those days; without it newer dates lie on older ones.',
    about: 'https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames',
  },
  WMTS: {
    title: 'OGC Web Map Tile Service',
    description: 'WMTS 1.0.0 with key-value pairs and REST, in the tile matrix sets EPSG:3857 (WebMercatorQuad) and WorldCRS84Quad. It has the dimension Time when the result has dates.',
    about: 'https://www.ogc.org/standards/wmts',
  },
  TileJSON: {
    title: 'TileJSON',
    description: 'A TileJSON 3.0.0 document that describes XYZ tiles: their URL, extent and zooms.',
    about: 'https://github.com/mapbox/tilejson-spec',
  },
};

/** What every tile gives to the process; src/services/open-map.ts does. */
const processParameters = [
  {
    name: 'spatial_extent',
    description: 'The extent of the tile in degrees. A process that loads data without an extent loads those of the tile anyway; this is for processes that need to know it.',
    schema: {
      type: 'object', subtype: 'bounding-box', required: ['west', 'south', 'east', 'north'],
      properties: {
        west: { description: 'West (lower left corner, coordinate axis 1).', type: 'number' },
        south: { description: 'South (lower left corner, coordinate axis 2).', type: 'number' },
        east: { description: 'East (upper right corner, coordinate axis 1).', type: 'number' },
        north: { description: 'North (upper right corner, coordinate axis 2).', type: 'number' },
        crs: { description: 'EPSG code of the reference system: 4326.', type: 'integer' },
      },
    },
  },
  { name: 'zoom', description: 'The zoom of the tile.', schema: { type: 'integer', minimum: 0 } },
] as const;

/** Names of the parameters that a process need not declare. */
export const processParameterNames: readonly string[] = processParameters.map(({ name }) => name);

export function listServiceTypes(_context: Context, _request: unknown, response: Response): void {
  response.json(Object.fromEntries(Object.entries(types).map(([name, { title, description, about }]) => [name, {
    title,
    description,
    configuration: configurationSchemas,
    process_parameters: processParameters,
    links: [{ rel: 'about', href: about, title }],
  }])));
}
