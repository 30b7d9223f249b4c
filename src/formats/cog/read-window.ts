/** Assembles a window out of blocks: plans which blocks are needed, reads and decodes them in parallel, copies. */
import { allocate, isFloat, sampleSize, type DType, type Samples } from '../../cube/dtype.ts';
import type { Block } from '../../cube/block.ts';
import { intersectWindows, type CellWindow } from '../../geo/grid.ts';
import { joinSpans, unreadable } from '../byte-source.ts';
import type { ByteSource } from '../raster-file.ts';
import type { BlockCache } from './block-cache.ts';
import { decodeBlock } from './decode.ts';
import type { BlockTable, ImageLayout } from './layout.ts';

/** Everything that reading a window of one image needs. */
export interface ImageReader {
  readonly source: ByteSource;
  readonly layout: ImageLayout;
  /** Key of the image in the cache: file, version and level. */
  readonly cacheKey: string;
  readonly cache: BlockCache;
  /** The file's no-data value, in the numbers of the sample type; null when it has none. */
  readonly nodata: number | null;
  /** Where the rows run from south to north. */
  readonly isSouthUp: boolean;
}

/** A block that a window needs. `plane` is the band when the file is planar, else 0. */
interface NeededBlock {
  readonly index: number;
  readonly column: number;
  readonly row: number;
  readonly plane: number;
}

/** Bytes that one request may bring, and requests under way: bounds memory whatever the window. */
const REQUEST_BYTES = 4 * 1024 * 1024;
const DECODED_BYTES = 16 * 1024 * 1024;
const REQUESTS = 3;

/**
 * Reads bands of a window (north-up) as [bands, height, width]. Cells outside the image and samples
 * equal to the no-data value are null. Throws FileContentInvalid for damaged blocks; honours the signal.
 */
export async function readWindow(image: ImageReader, window: CellWindow, bands: readonly number[], signal?: AbortSignal): Promise<Block> {
  const { layout } = image;
  const dtype = layout.dtype;
  const data = allocate(dtype, bands.length * window.width * window.height);
  const inside = intersectWindows(window, { x: 0, y: 0, width: layout.width, height: layout.height });
  const shape = [bands.length, window.height, window.width];
  if (inside.width > 0 && inside.height > 0) {
    const stored = image.isSouthUp ? { ...inside, y: layout.height - inside.y - inside.height } : inside;
    const needed = blocksOf(layout, stored, bands);
    await eachBlock(image, needed, (samples, block) => pasteStored(image, samples, block, stored, window, bands, data), signal);
  }
  return { dtype, shape, data, nulls: nullsOf(data, image.nodata, window, inside, bands.length) };
}

function blocksOf(layout: ImageLayout, stored: CellWindow, bands: readonly number[]): NeededBlock[] {
  const planes = layout.isPlanar ? [...new Set(bands)] : [0];
  const firstColumn = Math.floor(stored.x / layout.blockWidth);
  const lastColumn = Math.floor((stored.x + stored.width - 1) / layout.blockWidth);
  const firstRow = Math.floor(stored.y / layout.blockHeight);
  const lastRow = Math.floor((stored.y + stored.height - 1) / layout.blockHeight);
  const out: NeededBlock[] = [];
  for (const plane of planes) {
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++) {
        out.push({ index: (plane * layout.blocksDown + row) * layout.blocksAcross + column, column, row, plane });
      }
    }
  }
  return out;
}

type UseBlock = (samples: Samples, block: NeededBlock) => void;

/** Hands every block to `use`, in any order: cached ones at once, the others as they come out of the file. */
async function eachBlock(image: ImageReader, needed: readonly NeededBlock[], use: UseBlock, signal?: AbortSignal): Promise<void> {
  const present: { readonly block: NeededBlock; readonly samples: Promise<Samples> }[] = [];
  const absent = needed.filter((block) => {
    const samples = image.cache.get(`${image.cacheKey}\0${block.index}`);
    if (samples) present.push({ block, samples });
    return !samples;
  });
  const groups = absent.length > 0 ? groupBlocks(image.layout, absent, await image.layout.blocks()) : [];
  const next = groups.values();
  const work = async () => {
    for (const group of next) {
      signal?.throwIfAborted();
      const decoded = startGroup(image, group);
      await Promise.all(decoded.map(async (samples, i) => use(await samples, group.blocks[i]!)));
    }
  };
  const waiting = present.map(async ({ block, samples }) => use(await samples, block));
  await Promise.all([...waiting, ...Array.from({ length: Math.min(REQUESTS, groups.length) }, work)]);
  signal?.throwIfAborted();
}

interface Group {
  readonly offset: number;
  readonly length: number;
  readonly blocks: readonly NeededBlock[];
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
}

function groupBlocks(layout: ImageLayout, blocks: readonly NeededBlock[], table: BlockTable): Group[] {
  const blockBytes = decodedBytes(layout);
  const perGroup = Math.max(1, Math.floor(DECODED_BYTES / blockBytes));
  const spans = blocks.map(({ index }) => ({ offset: table.offsets[index]!, length: Math.min(table.byteCounts[index]!, blockBytes * 2 + 65536) }));
  return joinSpans(spans, undefined, REQUEST_BYTES).flatMap(({ members }) => {
    const chunks = Array.from({ length: Math.ceil(members.length / perGroup) }, (_, i) => members.slice(i * perGroup, (i + 1) * perGroup));
    return chunks.map((chunk) => {
      const offset = Math.min(...chunk.map((m) => spans[m]!.offset));
      const end = Math.max(...chunk.map((m) => spans[m]!.offset + spans[m]!.length));
      return { offset, length: end - offset, blocks: chunk.map((m) => blocks[m]!), spans: chunk.map((m) => spans[m]!) };
    });
  });
}

/**
 * Starts reading and decoding the blocks of a group. No signal here: another request may wait for the
 * same blocks, and what is under way is small.
 */
function startGroup(image: ImageReader, group: Group): Promise<Samples>[] {
  let bytes: Promise<Uint8Array> | undefined;
  return group.blocks.map((block, i) => {
    const { offset, length } = group.spans[i]!;
    const key = `${image.cacheKey}\0${block.index}`;
    const known = image.cache.get(key);
    if (known) return known;
    bytes ??= image.source.read(group.offset, group.length);
    const samples = bytes.then((all) => decodeStored(image, all.subarray(offset - group.offset, offset - group.offset + length), length, block));
    image.cache.set(key, samples);
    return samples;
  });
}

function decodeStored(image: ImageReader, bytes: Uint8Array, length: number, block: NeededBlock): Promise<Samples> | Samples {
  const { layout } = image;
  const rows = layout.isTiled ? layout.blockHeight : Math.min(layout.blockHeight, layout.height - block.row * layout.blockHeight);
  if (length === 0) {
    // A block that was never written: GDAL's sparse files mean no-data, or 0 without one.
    const empty = allocate(layout.dtype, rows * layout.blockWidth * (layout.isPlanar ? 1 : layout.samplesPerPixel));
    return empty.fill(image.nodata ?? 0);
  }
  if (bytes.byteLength < length && layout.compression !== 1) throw unreadable(image.source, 'it ends before its pixels do');
  return decodeBlock(bytes, layout, rows, image.source);
}

/** Copies the part of a block that lies in the window, upside down where the file is south-up. */
function pasteStored(image: ImageReader, samples: Samples, block: NeededBlock, stored: CellWindow, window: CellWindow, bands: readonly number[], data: Samples): void {
  const { layout } = image;
  const x0 = block.column * layout.blockWidth;
  const y0 = block.row * layout.blockHeight;
  const part = intersectWindows(stored, { x: x0, y: y0, width: layout.blockWidth, height: layout.blockHeight });
  const firstRow = image.isSouthUp ? layout.height - 1 - part.y - window.y : part.y - window.y;
  const bandsInBlock = layout.isPlanar ? 1 : layout.samplesPerPixel;
  const sourceStep = bandsInBlock * layout.blockWidth;
  const targetStep = image.isSouthUp ? -window.width : window.width;
  for (const [i, band] of bands.entries()) {
    if (layout.isPlanar && band !== block.plane) continue;
    let from = ((part.y - y0) * bandsInBlock + (layout.isPlanar ? 0 : band)) * layout.blockWidth + part.x - x0;
    let to = (i * window.height + firstRow) * window.width + part.x - window.x;
    for (let row = 0; row < part.height; row++, from += sourceStep, to += targetStep) data.set(samples.subarray(from, from + part.width), to);
  }
}

/** Flags of no-data samples and of cells outside the image; null when there are none. */
function nullsOf(data: Samples, nodata: number | null, window: CellWindow, inside: CellWindow, bands: number): Uint8Array | null {
  if (inside.width === window.width && inside.height === window.height) {
    const first = nodata === null ? -1 : indexOfValue(data, nodata);
    if (first < 0) return null;
    const nulls = new Uint8Array(data.length);
    flagValue(data, nodata!, nulls, first, data.length);
    return nulls;
  }
  const nulls = new Uint8Array(data.length);
  flagOutside(nulls, window, inside, bands);
  if (nodata !== null) flagInside(data, nodata, nulls, { window, inside, bands });
  return nulls;
}

/** Flags no-data row by row in the part of a window that the image covers: the rest would look like no-data, too. */
function flagInside(data: Samples, nodata: number, nulls: Uint8Array, { window, inside, bands }: { window: CellWindow; inside: CellWindow; bands: number }): void {
  for (let band = 0; band < bands; band++) {
    for (let row = 0; row < inside.height; row++) {
      const start = (band * window.height + inside.y - window.y + row) * window.width + inside.x - window.x;
      const first = indexOfValue(data.subarray(start, start + inside.width), nodata);
      if (first >= 0) flagValue(data, nodata, nulls, start + first, start + inside.width);
    }
  }
}

// The search in C++ is many times faster than a loop and finds nothing in most windows.
const indexOfValue = (data: Samples, value: number) => (Number.isNaN(value) ? data.findIndex(Number.isNaN) : data.indexOf(value as never));

function flagValue(data: Samples, nodata: number, nulls: Uint8Array, from: number, to: number): void {
  if (Number.isNaN(nodata)) {
    for (let i = from; i < to; i++) if (Number.isNaN(data[i]!)) nulls[i] = 1;
  } else {
    for (let i = from; i < to; i++) if (data[i] === nodata) nulls[i] = 1;
  }
}

function flagOutside(nulls: Uint8Array, window: CellWindow, inside: CellWindow, bands: number): void {
  const left = inside.x - window.x;
  for (let row = 0; row < bands * window.height; row++) {
    const y = window.y + (row % window.height);
    const start = row * window.width;
    if (inside.width === 0 || y < inside.y || y >= inside.y + inside.height) {
      nulls.fill(1, start, start + window.width);
    } else {
      nulls.fill(1, start, start + left);
      nulls.fill(1, start + left + inside.width, start + window.width);
    }
  }
}

/** The no-data value as samples hold it; null when the type can't hold it, so that nothing equals it. */
export function nodataFor(dtype: DType, value: number | null): number | null {
  if (value === null) return null;
  const held = allocate(dtype, 1).fill(value)[0]!;
  if (isFloat(dtype)) return held;
  return held === value ? value : null;
}

function decodedBytes(layout: ImageLayout): number {
  return layout.blockWidth * layout.blockHeight * sampleSize(layout.dtype) * (layout.isPlanar ? 1 : layout.samplesPerPixel);
}
