/** The result format JPEG: a picture of one to three bands on a background. */
import { parseColour, type Colour } from '../colours.ts';
import { readOptions, type Options } from '../options.ts';
import { pictures } from '../picture-library.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat } from '../writer.ts';
import { pictureParameters, pictureSettings } from './picture-options.ts';
import { writePictures, type PictureFormat } from './render.ts';

const description: FormatDescription = {
  title: 'JPEG',
  description: 'A picture with 8 bits per channel, one file per date. One band gives shades of grey or the colours of a colormap, three give red, green and blue, two leave blue empty. No-data and NaN have the colour of the background. The compression changes values: for looking at results, not for computing with them; the picture has no georeference.',
  gis_data_types: ['raster'],
  parameters: {
    ...pictureParameters(3),
    background: { description: 'Colour of no-data: a text "#rrggbb" or an array [red, green, blue] of 0 to 255.', type: ['string', 'array'], default: '#ffffff' },
    quality: { description: 'How well the picture is kept: 1 (smallest file) to 100.', type: 'integer', minimum: 1, maximum: 100, default: 90 },
  },
};

/** From here on colours have as many pixels as brightness has. */
const FINE_QUALITY = 90;

function formatOf([r, g, b]: Colour, quality: number): PictureFormat {
  return {
    name: 'JPEG',
    ending: 'jpg',
    mediaType: 'image/jpeg',
    mostBands: 3,
    encode: async ({ pixels, width, height }, path) => (await pictures())(pixels, { raw: { width, height, channels: 4 } })
      .flatten({ background: { r, g, b } })
      .jpeg({ quality, chromaSubsampling: quality >= FINE_QUALITY ? '4:4:4' : '4:2:0' })
      .toFile(path),
  };
}

export const jpeg: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(async () => {
    const given = readOptions(description, options) as Options & { readonly background: unknown; readonly quality: number };
    const format = formatOf(parseColour(given.background, 255, '\'background\''), given.quality);
    return writePictures(cube, format, pictureSettings(given), context);
  }),
};
