/** All cube processes, by id. */
import type { Implementation } from '../../graph/process.ts';
import { addDimension } from './add-dimension.ts';
import { aggregateTemporal } from './aggregate-temporal.ts';
import { aggregateTemporalPeriod } from './aggregate-temporal-period.ts';
import { anomaly } from './anomaly.ts';
import { apply } from './apply.ts';
import { applyDimension } from './apply-dimension.ts';
import { applyKernel } from './apply-kernel.ts';
import { applyNeighborhood } from './apply-neighborhood.ts';
import { climatologicalNormal } from './climatological-normal.ts';
import { compressEmbed } from './compress-embed.ts';
import { createDataCube } from './create-data-cube.ts';
import { dimensionLabels } from './dimension-labels.ts';
import { dropDimension } from './drop-dimension.ts';
import { embeddingQuantize } from './embedding-quantize.ts';
import { exportCollection } from './export-collection.ts';
import { filterBands } from './filter-bands.ts';
import { filterBbox } from './filter-bbox.ts';
import { filterLabels } from './filter-labels.ts';
import { filterTemporal } from './filter-temporal.ts';
import { inspect } from './inspect.ts';
import { loadCollection } from './load-collection.ts';
import { loadStac } from './load-stac.ts';
import { mask } from './mask.ts';
import { mergeCubes } from './merge-cubes.ts';
import { ndvi } from './ndvi.ts';
import { reduceDimension } from './reduce-dimension.ts';
import { renameDimension } from './rename-dimension.ts';
import { renameLabels } from './rename-labels.ts';
import { resampleCubeSpatial } from './resample-cube-spatial.ts';
import { resampleCubeTemporal } from './resample-cube-temporal.ts';
import { resampleSpatial } from './resample-spatial.ts';
import { resampleToGrid } from './resample-to-grid.ts';
import { saveResult } from './save-result.ts';
import { trimCube } from './trim-cube.ts';

export const cubeProcesses: Readonly<Record<string, Implementation>> = {
  add_dimension: addDimension,
  aggregate_temporal: aggregateTemporal,
  aggregate_temporal_period: aggregateTemporalPeriod,
  anomaly,
  apply,
  apply_dimension: applyDimension,
  apply_kernel: applyKernel,
  apply_neighborhood: applyNeighborhood,
  climatological_normal: climatologicalNormal,
  compress_embed: compressEmbed,
  create_data_cube: createDataCube,
  dimension_labels: dimensionLabels,
  drop_dimension: dropDimension,
  embedding_quantize: embeddingQuantize,
  export_collection: exportCollection,
  filter_bands: filterBands,
  filter_bbox: filterBbox,
  filter_labels: filterLabels,
  filter_temporal: filterTemporal,
  inspect,
  load_collection: loadCollection,
  load_stac: loadStac,
  mask,
  merge_cubes: mergeCubes,
  ndvi,
  reduce_dimension: reduceDimension,
  rename_dimension: renameDimension,
  rename_labels: renameLabels,
  resample_cube_spatial: resampleCubeSpatial,
  resample_cube_temporal: resampleCubeTemporal,
  resample_spatial: resampleSpatial,
  resample_to_grid: resampleToGrid,
  save_result: saveResult,
  trim_cube: trimCube,
};
