/** Opens GeoTIFF files. geotiff.js parses the header; blocks are read and decoded by us. */
import { GeoTIFF } from 'geotiff';
import type { Block } from '../../cube/block.ts';
import { isOpenEOError } from '../../errors.ts';
import { unreadable } from '../byte-source.ts';
import type { ByteSource, RasterBand, RasterFile, RasterLevel } from '../raster-file.ts';
import { BlockCache } from './block-cache.ts';
import { unsupportedCompression } from './decompress.ts';
import { parseGdalMetadata, type GdalItem } from './gdal-metadata.ts';
import { readGeoreference } from './georeference.ts';
import { HeaderSource } from './header-source.ts';
import { readLayout, type Directory, type ImageLayout } from './layout.ts';
import { nodataFor, readWindow, type ImageReader } from './read-window.ts';

/** More images than any pyramid has; a chain that is longer is a loop or an attack. */
const LARGEST_CHAIN = 256;

/**
 * Opens a GeoTIFF: tiles or strips, planar or interleaved, classic or BigTIFF, either byte order.
 * Decoded blocks are shared through `cache`; without one nothing is kept between reads. Throws
 * FileContentInvalid (naming the file) when it is no TIFF, is cut off, or holds what a cube can't.
 */
export async function openRaster(source: ByteSource, cache: BlockCache = new BlockCache(0), signal?: AbortSignal): Promise<RasterFile> {
  try {
    return await open(source, cache, signal);
  } catch (error) {
    if (isOpenEOError(error) || signal?.aborted) throw error;
    // geotiff.js throws plain errors on damaged headers; errors of the file system have a code.
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw unreadable(source, 'its header is not that of a TIFF file, or is damaged or cut off', error);
  }
}

async function open(source: ByteSource, cache: BlockCache, signal?: AbortSignal): Promise<RasterFile> {
  const header = new HeaderSource(source, signal);
  const tiff = await GeoTIFF.fromSource(header.forGeotiff());
  const directories = await readDirectories(tiff);
  const first = directories[0]!;
  const layouts = await Promise.all(directories.map((directory) => readLayout(directory, tiff.littleEndian, header, source)));
  const full = layouts[0]!;
  const missing = unsupportedCompression(full.compression);
  if (missing !== undefined) throw unreadable(source, `its compression (${missing}) is not supported`);
  const { grid, problem, isSouthUp } = await readGeoreference(first, full);
  const items = parseGdalMetadata(textOf(await first.loadValue('GDAL_METADATA')) ?? '');
  const declared = nodataOf(textOf(await first.loadValue('GDAL_NODATA')));
  const images = pyramid(layouts).map((level, i): PyramidLevel => {
    const common = { source, cache, isSouthUp };
    return {
      image: { ...common, layout: level, cacheKey: `${source.id}\0${source.version}\0${i}`, nodata: nodataFor(full.dtype, declared) },
      mask: maskFor(layouts, level, (layout) => ({ ...common, layout, cacheKey: `${source.id}\0${source.version}\0m${i}`, nodata: 0 })),
    };
  });
  return {
    source,
    dtype: full.dtype,
    bands: Array.from({ length: full.samplesPerPixel }, (_, i) => bandOf(items, i, declared)),
    levels: images.map(({ image }): RasterLevel => image.layout),
    grid,
    ...(problem !== undefined && { gridProblem: problem }),
    tags: { ...dateTag(textOf(await first.loadValue('DateTime'))), ...fileTags(items) },
    read: ({ level, window, bands }, readSignal) => readLevel(images, level, window, bands, readSignal),
  };
}

async function readDirectories(tiff: GeoTIFF): Promise<Directory[]> {
  const directories = [await tiff.requestIFD(0)];
  while (directories.at(-1)!.nextIFDByteOffset !== 0) {
    if (directories.length >= LARGEST_CHAIN) throw new Error('too many images');
    directories.push(await tiff.requestIFD(directories.length));
  }
  return directories;
}

/** The full image and its overviews, from fine to coarse. Other pages of the file are ignored. */
function pyramid(layouts: readonly ImageLayout[]): ImageLayout[] {
  const full = layouts[0]!;
  const overviews = layouts.slice(1).filter((l) => l.isOverview && !l.isMask && l.width < full.width
    && l.samplesPerPixel === full.samplesPerPixel && l.dtype === full.dtype && unsupportedCompression(l.compression) === undefined);
  return [full, ...overviews.sort((a, b) => b.width - a.width)];
}

interface PyramidLevel {
  readonly image: ImageReader;
  /** Image of one band that is 0 where the level has no data (GDAL's internal mask). */
  readonly mask: ImageReader | undefined;
}

function maskFor(layouts: readonly ImageLayout[], level: ImageLayout, make: (layout: ImageLayout) => ImageReader): ImageReader | undefined {
  const layout = layouts.find((l) => l.isMask && l.width === level.width && l.height === level.height);
  return layout && make(layout);
}

async function readLevel(levels: readonly PyramidLevel[], index: number, window: ImageWindow, bands: readonly number[], signal?: AbortSignal): Promise<Block> {
  const level = levels[index];
  if (!level) throw new RangeError(`level ${index} of ${levels.length}`);
  const unknown = bands.find((band) => !(band >= 0 && band < level.image.layout.samplesPerPixel));
  if (unknown !== undefined) throw new RangeError(`band ${unknown} of ${level.image.layout.samplesPerPixel}`);
  const block = await readWindow(level.image, window, bands, signal);
  if (!level.mask) return block;
  const mask = await readWindow(level.mask, window, [0], signal);
  return mask.nulls ? withMask(block, mask.nulls) : block;
}

type ImageWindow = Parameters<typeof readWindow>[1];

function withMask(block: Block, masked: Uint8Array): Block {
  const nulls = block.nulls ?? new Uint8Array(block.data.length);
  for (let i = 0; i < nulls.length; i++) nulls[i]! |= masked[i % masked.length]!;
  return { ...block, nulls };
}

function bandOf(items: readonly GdalItem[], sample: number, nodata: number | null): RasterBand {
  const find = (name: string) => items.find((item) => item.sample === sample && item.name.toUpperCase() === name)?.value;
  const number = (text: string | undefined) => (text === undefined || !Number.isFinite(Number(text)) ? null : Number(text));
  return { name: find('DESCRIPTION') || null, nodata, scale: number(find('SCALE')), offset: number(find('OFFSET')) };
}

function fileTags(items: readonly GdalItem[]): Record<string, string> {
  return Object.fromEntries(items.filter((item) => item.sample === undefined).map(({ name, value }) => [name, value]));
}

/** TIFF's '2021:06:01 10:20:30' as RFC 3339 (TIFF knows no zone; UTC is what Earth-observation writers mean). */
function dateTag(text: string | undefined): { datetime?: string } {
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)/.exec(text ?? '');
  return match ? { datetime: `${match[1]}-${match[2]}-${match[3]}T${match[4]}Z` } : {};
}

function nodataOf(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  if (/^[-+]?nan$/i.test(text.trim())) return Number.NaN;
  const special = /^([-+]?)inf(inity)?$/i.exec(text.trim());
  if (special) return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.replace(/\0[\s\S]*$/, '') : undefined;
}
