/** One image of a TIFF file (full resolution, overview or mask): where its blocks lie and how they are coded. */
import type { GeoTIFF } from 'geotiff';
import type { DType } from '../../cube/dtype.ts';
import type { HeaderSource } from './header-source.ts';
import { unreadable } from '../byte-source.ts';

export type Directory = Awaited<ReturnType<GeoTIFF['requestIFD']>>;

/** Positions of the blocks in the file, in TIFF's order: row by row, and band by band when planar. */
export interface BlockTable {
  readonly offsets: ArrayLike<number>;
  readonly byteCounts: ArrayLike<number>;
}

export interface ImageLayout {
  readonly width: number;
  readonly height: number;
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly blocksAcross: number;
  readonly blocksDown: number;
  readonly isTiled: boolean;
  readonly samplesPerPixel: number;
  /** True when each block holds one band. */
  readonly isPlanar: boolean;
  readonly dtype: DType;
  /** Bits of a stored sample; fewer than the type has for packed data such as masks. */
  readonly bits: number;
  readonly isLittleEndian: boolean;
  readonly compression: number;
  readonly predictor: number;
  readonly photometric: number;
  readonly isOverview: boolean;
  readonly isMask: boolean;
  /** Tags that decoders of geotiff.js need. */
  readonly jpegTables: Uint8Array | undefined;
  readonly lercParameters: ArrayLike<number> | undefined;
  /** Read on first use and kept. */
  readonly blocks: () => Promise<BlockTable>;
}

/** A block that unpacks to more than this is damaged, an attack, or beyond what a worker should hold. */
const LARGEST_BLOCK = 512 * 1024 * 1024;
/** An uncompressed image in one strip is read in pieces of about this size. */
const PIECE_BYTES = 1024 * 1024;

const TAGS = { TileOffsets: 324, TileByteCounts: 325, StripOffsets: 273, StripByteCounts: 279 } as const;
const OVERVIEW = 1;
const MASK = 4;

/** Reads the tags of an image. Throws FileContentInvalid for sample types that a cube can't hold. */
export async function readLayout(directory: Directory, isLittleEndian: boolean, header: HeaderSource, source: { readonly id: string }): Promise<ImageLayout> {
  const tag = (name: Parameters<Directory['getValue']>[0], fallback: number) => Number(directory.getValue(name) ?? fallback);
  const width = tag('ImageWidth', 0);
  const height = tag('ImageLength', 0);
  const isTiled = directory.hasTag('TileWidth');
  const samplesPerPixel = tag('SamplesPerPixel', 1);
  const isPlanar = tag('PlanarConfiguration', 1) === 2;
  const compression = tag('Compression', 1);
  const sample = sampleType(directory, source);
  const rowBytes = Math.ceil(((isTiled ? tag('TileWidth', 0) : width) * (isPlanar ? 1 : samplesPerPixel) * sample.bits) / 8);
  const stripRows = isTiled ? 0 : Math.min(height, tag('RowsPerStrip', height) || height);
  const isOneStrip = !isTiled && stripRows === height && compression === 1 && rowBytes * height > 2 * PIECE_BYTES;
  const blockWidth = isTiled ? tag('TileWidth', 0) : width;
  const blockHeight = isTiled ? tag('TileLength', 0) : isOneStrip ? Math.max(1, Math.floor(PIECE_BYTES / rowBytes)) : stripRows;
  if (!(width > 0 && height > 0 && blockWidth > 0 && blockHeight > 0 && samplesPerPixel > 0)) throw unreadable(source, 'it has no image size');
  if (rowBytes * blockHeight > LARGEST_BLOCK) throw unreadable(source, `its blocks of ${blockWidth} × ${blockHeight} pixels are too large`);
  const subfile = tag('NewSubfileType', 0);
  const layout = {
    width, height, blockWidth, blockHeight, isTiled, isLittleEndian, samplesPerPixel, isPlanar, compression,
    blocksAcross: Math.ceil(width / blockWidth),
    blocksDown: Math.ceil(height / blockHeight),
    ...sample,
    predictor: Number((await directory.loadValue('Predictor')) ?? 1),
    photometric: tag('PhotometricInterpretation', 1),
    isOverview: (subfile & OVERVIEW) !== 0,
    isMask: (subfile & MASK) !== 0,
    jpegTables: toBytes(await directory.loadValue('JPEGTables')),
    lercParameters: (await directory.loadValue('LercParameters')) as ArrayLike<number> | undefined,
  };
  const readTable = async () => (isOneStrip
    ? piecesOf(await readBlockTable(directory, { ...layout, blocksDown: 1 }, header, source), layout, rowBytes)
    : readBlockTable(directory, layout, header, source));
  return { ...layout, blocks: once(readTable) };
}

/** The table of an image in one uncompressed strip (per band when planar), as if it had been written in small ones. */
function piecesOf(strips: BlockTable, layout: Sizes & { readonly height: number; readonly blockHeight: number }, rowBytes: number): BlockTable {
  const planes = layout.isPlanar ? layout.samplesPerPixel : 1;
  const pieces = Array.from({ length: planes * layout.blocksDown }, (_, i) => {
    const first = (i % layout.blocksDown) * layout.blockHeight;
    return {
      offset: strips.offsets[Math.floor(i / layout.blocksDown)]! + first * rowBytes,
      size: Math.min(layout.blockHeight, layout.height - first) * rowBytes,
    };
  });
  return { offsets: Float64Array.from(pieces, (p) => p.offset), byteCounts: Float64Array.from(pieces, (p) => p.size) };
}

type Sizes = Pick<ImageLayout, 'blocksAcross' | 'blocksDown' | 'samplesPerPixel' | 'isPlanar' | 'isTiled' | 'isLittleEndian' | 'compression'>;

async function readBlockTable(directory: Directory, layout: Sizes, header: HeaderSource, source: { readonly id: string }): Promise<BlockTable> {
  const [offsetTag, countTag] = layout.isTiled ? [TAGS.TileOffsets, TAGS.TileByteCounts] : [TAGS.StripOffsets, TAGS.StripByteCounts];
  const [offsets, byteCounts] = await Promise.all([
    numbersOf(directory, offsetTag, layout.isLittleEndian, header),
    numbersOf(directory, countTag, layout.isLittleEndian, header),
  ]);
  const count = layout.blocksAcross * layout.blocksDown * (layout.isPlanar ? layout.samplesPerPixel : 1);
  if (!offsets || offsets.length < count) throw unreadable(source, 'its table of blocks is incomplete');
  if (byteCounts && byteCounts.length >= count) return { offsets, byteCounts };
  if (layout.compression !== 1) throw unreadable(source, 'its table of block sizes is incomplete');
  // Old writers leave the sizes of uncompressed strips out; decoding takes as many bytes as it needs.
  return { offsets, byteCounts: new Float64Array(count).fill(Number.POSITIVE_INFINITY) };
}

/**
 * An array tag as numbers. Big arrays are deferred by geotiff.js, which would read them as little-endian
 * whatever the file is: hence the own decoding.
 */
async function numbersOf(directory: Directory, tag: number, isLittleEndian: boolean, header: HeaderSource): Promise<ArrayLike<number> | undefined> {
  const value: unknown = directory.actualizedFields.get(tag);
  if (typeof value === 'number') return [value];
  if (value !== undefined) return value as ArrayLike<number>;
  const deferred = directory.deferredArrays.get(tag);
  if (!deferred) return undefined;
  const bytes = await header.bytes(deferred.arrayOffset, deferred.itemSize * deferred.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Math.floor(bytes.byteLength / deferred.itemSize);
  return Float64Array.from({ length }, (_, i) => {
    if (deferred.itemSize === 8) return Number(view.getBigUint64(i * 8, isLittleEndian));
    return deferred.itemSize === 4 ? view.getUint32(i * 4, isLittleEndian) : view.getUint16(i * 2, isLittleEndian);
  });
}

/** BitsPerSample and SampleFormat may have one entry for all bands, or one per band; bands must agree. */
function sampleType(directory: Directory, source: { readonly id: string }): { dtype: DType; bits: number } {
  const bits = commonValue(directory.getValue('BitsPerSample'), 1);
  const format = commonValue(directory.getValue('SampleFormat'), 1);
  if (bits === undefined || format === undefined) throw unreadable(source, 'its bands have different sample types');
  const dtype = dtypeOf(format, bits);
  if (!dtype) throw unreadable(source, `its sample type (format ${format}, ${bits} bits) is not supported`);
  return { dtype, bits };
}

function commonValue(value: unknown, fallback: number): number | undefined {
  const values = value === undefined ? [fallback] : typeof value === 'number' ? [value] : Array.from(value as ArrayLike<number>);
  return values.every((v) => v === values[0]) ? (values[0] ?? fallback) : undefined;
}

function dtypeOf(format: number, bits: number): DType | undefined {
  if (format === 3) return ({ 16: 'float16', 32: 'float32', 64: 'float64' } as const)[bits];
  if (format === 2) return ({ 8: 'int8', 16: 'int16', 32: 'int32' } as const)[bits];
  if ((format !== 1 && format !== 4) || bits < 1 || bits > 32) return undefined;
  return bits <= 8 ? 'uint8' : bits <= 16 ? 'uint16' : 'uint32';
}

function toBytes(value: unknown): Uint8Array | undefined {
  return value === undefined ? undefined : Uint8Array.from(value as ArrayLike<number>);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
