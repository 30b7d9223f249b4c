/** The capabilities document of the WMTS (OGC 07-057r7, version 1.0.0). */
import { TILE_SIZE, tileCounts, type TileMatrixSet } from '../../layers/tile-grid.ts';
import { escapeHtml as xml } from '../http/html.ts';
import type { MapDescription } from './map-catalog.ts';
import { MAX_ZOOM } from './tile-request.ts';

interface MatrixSetDescription {
  readonly set: TileMatrixSet;
  readonly crs: string;
  readonly scaleSet: string;
  readonly corner: string;
  /** Scale denominator of zoom 0, for pixels of 0.28 mm. */
  readonly scale: number;
}

/** Identifier → tile matrix set. Clients know 'EPSG:3857' better than 'WebMercatorQuad'. */
export const matrixSets: Readonly<Record<string, MatrixSetDescription>> = {
  'EPSG:3857': { set: 'WebMercatorQuad', crs: 'urn:ogc:def:crs:EPSG::3857', scaleSet: 'urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible', corner: '-20037508.3427892 20037508.3427892', scale: 559_082_264.028_717_8 },
  WorldCRS84Quad: { set: 'WorldCRS84Quad', crs: 'urn:ogc:def:crs:OGC:1.3:CRS84', scaleSet: 'urn:ogc:def:wkss:OGC:1.0:GoogleCRS84Quad', corner: '-180 90', scale: 279_541_132.014_358_9 },
};

export interface Capabilities {
  readonly title: string;
  /** URL of the WMTS, without a query. */
  readonly url: string;
  /** URL below which tiles are, as `{layer}/1.0.0/…`. */
  readonly tilesUrl: string;
  readonly layers: readonly MapDescription[];
  /** How the tiles are; default PNGs of 256 × 256 pixels at all zooms. */
  readonly tiles?: TileKind;
}

export interface TileKind {
  readonly mediaType: 'image/png' | 'image/jpeg';
  /** Pixels along an edge. */
  readonly size: number;
  readonly minZoom: number;
  readonly maxZoom: number;
}

const usualTiles: TileKind = { mediaType: 'image/png', size: TILE_SIZE, minZoom: 0, maxZoom: MAX_ZOOM };

export function capabilitiesDocument({ title, url, tilesUrl, layers, tiles = usualTiles }: Capabilities): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/wmts/1.0 http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd" version="1.0.0">
  <ows:ServiceIdentification>
    <ows:Title>${xml(title)}</ows:Title>
    <ows:ServiceType>OGC WMTS</ows:ServiceType>
    <ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>
  </ows:ServiceIdentification>
  <ows:OperationsMetadata>
${operation('GetCapabilities', url, `${url}/1.0.0/WMTSCapabilities.xml`)}
${operation('GetTile', url, `${tilesUrl}/`)}
  </ows:OperationsMetadata>
  <Contents>
${layers.map((layer) => layerElement(layer, tilesUrl, tiles)).join('\n')}
${Object.entries(matrixSets).map(([id, description]) => matrixSetElement(id, description, tiles)).join('\n')}
  </Contents>
  <ServiceMetadataURL xlink:href="${xml(url)}/1.0.0/WMTSCapabilities.xml"/>
</Capabilities>
`;
}

function operation(name: string, kvp: string, rest: string): string {
  const get = (href: string, encoding: string) => `          <ows:Get xlink:href="${xml(href)}">
            <ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>${encoding}</ows:Value></ows:AllowedValues></ows:Constraint>
          </ows:Get>`;
  return `    <ows:Operation name="${name}">
      <ows:DCP>
        <ows:HTTP>
${get(`${kvp}?`, 'KVP')}
${get(rest, 'RESTful')}
        </ows:HTTP>
      </ows:DCP>
    </ows:Operation>`;
}

function layerElement({ id, title, description, bounds: [west, south, east, north], styles, days }: MapDescription, tilesUrl: string, { mediaType }: TileKind): string {
  const time = days.length > 0 ? '{Time}' : 'default';
  const links = Object.keys(matrixSets).map((set) => `      <TileMatrixSetLink><TileMatrixSet>${set}</TileMatrixSet></TileMatrixSetLink>`);
  return `    <Layer>
      <ows:Title>${xml(title)}</ows:Title>
      <ows:Abstract>${xml(description)}</ows:Abstract>
      <ows:WGS84BoundingBox>
        <ows:LowerCorner>${west} ${south}</ows:LowerCorner>
        <ows:UpperCorner>${east} ${north}</ows:UpperCorner>
      </ows:WGS84BoundingBox>
      <ows:Identifier>${xml(id)}</ows:Identifier>
${styles.map((style, i) => `      <Style${i === 0 ? ' isDefault="true"' : ''}><ows:Title>${xml(styleTitle(style))}</ows:Title><ows:Identifier>${xml(style)}</ows:Identifier></Style>`).join('\n')}
      <Format>${mediaType}</Format>
${days.length > 0 ? timeDimension(days) : ''}${links.join('\n')}
      <ResourceURL format="${mediaType}" resourceType="tile" template="${xml(`${tilesUrl}/${encodeURIComponent(id)}/1.0.0/{Style}/${time}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.${mediaType === 'image/png' ? 'png' : 'jpg'}`)}"/>
    </Layer>`;
}

function styleTitle(style: string): string {
  if (style === 'pca') return 'Three fixed directions of the embedding space as red, green and blue';
  return style === 'default' ? 'True colour, or the first band' : `${style} in grey`;
}

/** Without a time the newest data is drawn, whatever day it is of. */
function timeDimension(days: readonly string[]): string {
  return `      <Dimension>
        <ows:Identifier>Time</ows:Identifier>
        <ows:UOM>ISO8601</ows:UOM>
        <Default>default</Default>
        <Current>true</Current>
${days.map((day) => `        <Value>${day}</Value>`).join('\n')}
      </Dimension>
`;
}

function matrixSetElement(id: string, { set, crs, scaleSet, corner, scale }: MatrixSetDescription, { size, minZoom, maxZoom }: TileKind): string {
  const matrices = Array.from({ length: maxZoom - minZoom + 1 }, (_, i) => {
    const z = minZoom + i;
    const { columns, rows } = tileCounts(z, set);
    return `      <TileMatrix>
        <ows:Identifier>${z}</ows:Identifier>
        <ScaleDenominator>${(scale * TILE_SIZE) / size / 2 ** z}</ScaleDenominator>
        <TopLeftCorner>${corner}</TopLeftCorner>
        <TileWidth>${size}</TileWidth>
        <TileHeight>${size}</TileHeight>
        <MatrixWidth>${columns}</MatrixWidth>
        <MatrixHeight>${rows}</MatrixHeight>
      </TileMatrix>`;
  });
  return `    <TileMatrixSet>
      <ows:Identifier>${id}</ows:Identifier>
      <ows:SupportedCRS>${crs}</ows:SupportedCRS>
${size === TILE_SIZE && minZoom === 0 ? `      <WellKnownScaleSet>${scaleSet}</WellKnownScaleSet>\n` : ''}${matrices.join('\n')}
    </TileMatrixSet>`;
}
