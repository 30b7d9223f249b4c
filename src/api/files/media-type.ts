/** Media types of files that users upload: by their endings, and never one that a browser would run. */

const types: Readonly<Record<string, string>> = {
  tif: 'image/tiff; application=geotiff',
  tiff: 'image/tiff; application=geotiff',
  nc: 'application/x-netcdf',
  h5: 'application/x-hdf5',
  hdf: 'application/x-hdf',
  jp2: 'image/jp2',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  json: 'application/json',
  geojson: 'application/geo+json',
  csv: 'text/csv',
  txt: 'text/plain',
  md: 'text/markdown',
  parquet: 'application/vnd.apache.parquet',
  geoparquet: 'application/vnd.apache.parquet',
  gpkg: 'application/geopackage+sqlite3',
  fgb: 'application/vnd.flatgeobuf',
  onnx: 'application/octet-stream',
  zip: 'application/zip',
  gz: 'application/gzip',
  tar: 'application/x-tar',
  pdf: 'application/pdf',
};

/** By the ending; bytes for all that is not in the list, so also for pages, scripts and SVG. */
export function mediaTypeOf(path: string): string {
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(types, ending) ? types[ending]! : 'application/octet-stream';
}
