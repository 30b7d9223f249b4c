/** The result format PNG: a picture of one to four bands with transparency. */
import { readOptions } from '../options.ts';
import { pictures } from '../picture-library.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat } from '../writer.ts';
import { pictureParameters, pictureSettings } from './picture-options.ts';
import { writePictures, type PictureFormat } from './render.ts';

const description: FormatDescription = {
  title: 'PNG',
  description: 'A picture with 8 bits per channel, one file per date. One band gives shades of grey or the colours of a colormap, three give red, green and blue, two leave blue empty, a fourth is opacity. No-data and NaN are transparent. For looking at results, not for computing with them: the picture has no georeference.',
  gis_data_types: ['raster'],
  parameters: pictureParameters(4),
};

const format: PictureFormat = {
  name: 'PNG',
  ending: 'png',
  mediaType: 'image/png',
  mostBands: 4,
  encode: async ({ pixels, width, height }, path) => (await pictures())(pixels, { raw: { width, height, channels: 4 } }).png().toFile(path),
};

export const png: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(async () => writePictures(cube, format, pictureSettings(readOptions(description, options)), context)),
};
