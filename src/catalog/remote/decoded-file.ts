/** A raster file of codes that gives the vectors: windows are read as codes and decoded on the way. */
import type { Block } from '../../cube/block.ts';
import { digest } from '../../cube/digest.ts';
import { decodePerVector } from '../../cube/per-vector.ts';
import { decodePower2, type VectorLayout } from '../../cube/vector-codecs.ts';
import { unreadable } from '../../formats/byte-source.ts';
import type { RasterFile } from '../../formats/raster-file.ts';
import { isSameLattice, latticeOffset } from '../../geo/grid.ts';
import type { Dequantization } from './quantization.ts';

type Request = Parameters<RasterFile['read']>[0];

/**
 * The file with float32 samples (bits stay uint8); NaN is no-data. `scales` is the file of one scale per vector, which
 * must lie on the same grid. Its version covers how and with what it is decoded. Throws FileContentInvalid.
 */
export function decodedFile(file: RasterFile, method: Dequantization, scales: RasterFile | null): RasterFile {
  if (method.method === 'binary') return file;
  if (scales !== null) checkScales(file, scales);
  return {
    ...file,
    source: { ...file.source, version: digest([file.source.version, method, scales?.source.version ?? null]), read: (...range) => file.source.read(...range) },
    dtype: 'float32',
    // Overviews without scales of their own can't be decoded.
    levels: scales === null ? file.levels : file.levels.filter((level, i) => level.width === scales.levels[i]?.width && level.height === scales.levels[i]?.height),
    async read(request, signal) {
      const [codes, scale] = await Promise.all([file.read(request, signal), scales?.read({ ...request, bands: [0] }, signal) ?? null]);
      return decodedBlock(codes, method, request, scale);
    },
  };
}

function checkScales(file: RasterFile, scales: RasterFile): void {
  const [full, own] = [file.levels[0]!, scales.levels[0]!];
  const isPlaced = file.grid === null || scales.grid === null
    || (isSameLattice(file.grid, scales.grid) && Object.values(latticeOffset(file.grid, scales.grid)).every((shift) => shift === 0));
  if (full.width !== own.width || full.height !== own.height || !isPlaced) throw unreadable(scales.source, 'it does not lie on the grid of the embeddings whose scales it holds');
}

function decodedBlock(codes: Block, method: Dequantization, { bands }: Request, scale: Block | null): Block {
  const data = decodedSamples(codes, method, bands, scale);
  return { dtype: 'float32', shape: codes.shape, data, nulls: nullsOf(data, codes.nulls) };
}

function decodedSamples(codes: Block, method: Dequantization, bands: readonly number[], scale: Block | null): Float32Array<ArrayBuffer> {
  const layout: VectorLayout = { outer: 1, count: bands.length, inner: codes.data.length / bands.length };
  switch (method.method) {
    case 'none':
    case 'binary': return codes.data instanceof Float32Array ? codes.data : Float32Array.from(codes.data);
    case 'power2': return decodePower2(codes.data, method.gain);
    case 'per_vector': return decodePerVector(codes.data, layout, withoutNulls(scale!));
    case 'linear': return decodedLinear(codes, method, bands, layout.inner);
  }
}

function withoutNulls({ data, nulls }: Block): ArrayLike<number> {
  return nulls === null ? data : Float64Array.from(data, (value, i) => (nulls[i] === 1 ? NaN : value));
}

/** Any type of codes with any no-data code; the arithmetic is that of `decodeLinear`. */
function decodedLinear({ data }: Block, { scale, offset, nodata }: Dequantization & { method: 'linear' }, bands: readonly number[], cells: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(data.length);
  for (const [plane, band] of bands.entries()) {
    const [step, middle] = [scale[band]!, offset[band]!];
    for (let i = plane * cells; i < (plane + 1) * cells; i++) values[i] = data[i] === nodata ? NaN : data[i]! * step + middle;
  }
  return values;
}

/** No-data of the file and values that are no numbers; null when there are none. */
function nullsOf(data: Float32Array, known: Uint8Array | null): Uint8Array | null {
  const first = data.findIndex(Number.isNaN);
  if (first < 0) return known;
  const nulls = known?.slice() ?? new Uint8Array(data.length);
  for (let i = first; i < data.length; i++) if (data[i] !== data[i]) nulls[i] = 1;
  return nulls;
}
