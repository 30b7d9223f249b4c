/** All cube processes, by id. */
import type { Implementation } from '../../graph/process.ts';
import { addDimension } from './add-dimension.ts';
import { aggregateSpatial } from './aggregate-spatial.ts';
import { aggregateSpatialWindow } from './aggregate-spatial-window.ts';
import { aggregateTemporalPeriod } from './aggregate-temporal-period.ts';
import { aggregateTemporal } from './aggregate-temporal.ts';
import { anomaly } from './anomaly.ts';
import { applyDimension } from './apply-dimension.ts';
import { applyKernel } from './apply-kernel.ts';
import { applyNeighborhood } from './apply-neighborhood.ts';
import { apply } from './apply.ts';
import { applyPolygon } from './apply-polygon.ts';
import { climatologicalNormal } from './climatological-normal.ts';
import { cloudDetection } from './cloud-detection.ts';
import { compressEmbed } from './compress-embed.ts';
import { createDataCube } from './create-data-cube.ts';
import { dimensionLabels } from './dimension-labels.ts';
import { dropDimension } from './drop-dimension.ts';
import { embeddingQuantize } from './embedding-quantize.ts';
import { exportCollection } from './export-collection.ts';
import { exportWorkspace } from './export-workspace.ts';
import { filterBands } from './filter-bands.ts';
import { filterBbox } from './filter-bbox.ts';
import { filterLabels } from './filter-labels.ts';
import { filterSpatial } from './filter-spatial.ts';
import { filterTemporal } from './filter-temporal.ts';
import { filterVector } from './filter-vector.ts';
import { flattenDimensions } from './flatten-dimensions.ts';
import { inspect } from './inspect.ts';
import { loadCollection } from './load-collection.ts';
import { loadGeojson } from './load-geojson.ts';
import { loadStac } from './load-stac.ts';
import { loadUploadedFiles } from './load-uploaded-files.ts';
import { loadUrl } from './load-url.ts';
import { maskPolygon } from './mask-polygon.ts';
import { mask } from './mask.ts';
import { mergeCubes } from './merge-cubes.ts';
import { ndvi } from './ndvi.ts';
import { predictCurve } from './predict-curve.ts';
import { reduceDimension } from './reduce-dimension.ts';
import { reduceSpatial } from './reduce-spatial.ts';
import { renameDimension } from './rename-dimension.ts';
import { renameLabels } from './rename-labels.ts';
import { resampleCubeSpatial } from './resample-cube-spatial.ts';
import { resampleCubeTemporal } from './resample-cube-temporal.ts';
import { resampleSpatial } from './resample-spatial.ts';
import { resampleToGrid } from './resample-to-grid.ts';
import { runUdf } from './run-udf.ts';
import { saveResult } from './save-result.ts';
import { stacModify } from './stac-modify.ts';
import { trimCube } from './trim-cube.ts';
import { unflattenDimension } from './unflatten-dimension.ts';
import { vectorBuffer } from './vector-buffer.ts';
import { vectorToRandomPoints, vectorToRegularPoints } from './vector-points.ts';
import { vectorReproject } from './vector-reproject.ts';

export const cubeProcesses: Readonly<Record<string, Implementation>> = {
  add_dimension: addDimension,
  aggregate_spatial: aggregateSpatial,
  aggregate_spatial_window: aggregateSpatialWindow,
  aggregate_temporal: aggregateTemporal,
  aggregate_temporal_period: aggregateTemporalPeriod,
  anomaly,
  apply,
  apply_dimension: applyDimension,
  apply_kernel: applyKernel,
  apply_neighborhood: applyNeighborhood,
  apply_polygon: applyPolygon,
  climatological_normal: climatologicalNormal,
  cloud_detection: cloudDetection,
  compress_embed: compressEmbed,
  create_data_cube: createDataCube,
  dimension_labels: dimensionLabels,
  drop_dimension: dropDimension,
  embedding_quantize: embeddingQuantize,
  export_collection: exportCollection,
  export_workspace: exportWorkspace,
  filter_bands: filterBands,
  filter_bbox: filterBbox,
  filter_labels: filterLabels,
  filter_spatial: filterSpatial,
  filter_temporal: filterTemporal,
  filter_vector: filterVector,
  flatten_dimensions: flattenDimensions,
  inspect,
  load_collection: loadCollection,
  load_geojson: loadGeojson,
  load_stac: loadStac,
  load_uploaded_files: loadUploadedFiles,
  load_url: loadUrl,
  mask,
  mask_polygon: maskPolygon,
  merge_cubes: mergeCubes,
  ndvi,
  predict_curve: predictCurve,
  reduce_dimension: reduceDimension,
  reduce_spatial: reduceSpatial,
  rename_dimension: renameDimension,
  rename_labels: renameLabels,
  resample_cube_spatial: resampleCubeSpatial,
  resample_cube_temporal: resampleCubeTemporal,
  resample_spatial: resampleSpatial,
  resample_to_grid: resampleToGrid,
  run_udf: runUdf,
  save_result: saveResult,
  stac_modify: stacModify,
  trim_cube: trimCube,
  unflatten_dimension: unflattenDimension,
  vector_buffer: vectorBuffer,
  vector_reproject: vectorReproject,
  vector_to_random_points: vectorToRandomPoints,
  vector_to_regular_points: vectorToRegularPoints,
};
