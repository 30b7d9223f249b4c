/** What file names tell: the time of an acquisition, the band, the resolution, and what is common to its files. */

/** RFC 3339 UTC; `end` only where the name gives a month or a day of unknown hour is no interval. */
export interface Time {
  readonly start: string;
  /** Set when the name means a span (a month). Inclusive. */
  readonly end?: string;
}

export interface NameParts {
  /** What all files of the acquisition share. '' when the name has nothing but band and resolution. */
  readonly stem: string;
  /** Band names in the order in which the name has them. */
  readonly bands: readonly string[];
  /** What distinguishes this file from its siblings: band and resolution words joined by '_'; '' when none. */
  readonly part: string;
  readonly time: Time | null;
}

const BAND = /^(?:B\d{1,2}A?|BQA|SCL|VV|VH|HH|HV|AOT|WVP|CLD|SNW)$/i;
const BAND_LIST = /^(?:B\d{2}|B8A|SCL){2,}$/;
const RESOLUTION = /^R?\d{1,4}m$/i;
/** Landsat Collection 2: 'SR_B4', 'QA_PIXEL'. */
const PAIR = /^(?:SR|ST|QA)_(?:B\d{1,2}|PIXEL|RADSAT|AEROSOL|QA)$/i;

/** Takes the name of a file (without folders) apart. */
export function parseName(fileName: string): NameParts {
  const name = fileName.replace(/\.[^.]*$/, '');
  const time = parseTime(name);
  const stem: string[] = [];
  const part: string[] = [];
  const bands: string[] = [];
  for (const word of wordsOf(name)) {
    const found = bandsIn(word);
    bands.push(...found);
    (found.length > 0 || RESOLUTION.test(word) ? part : stem).push(word);
  }
  return { stem: stem.join('_'), bands, part: part.join('_'), time };
}

function wordsOf(name: string): string[] {
  const words: string[] = [];
  for (const word of name.split(/[_.\s]+/).filter((w) => w !== '')) {
    const pair = `${words.at(-1)}_${word}`;
    if (PAIR.test(pair)) words.splice(-1, 1, pair);
    else words.push(word);
  }
  return words;
}

function bandsIn(word: string): string[] {
  if (BAND.test(word) || PAIR.test(word)) return [word.toUpperCase()];
  return BAND_LIST.test(word) ? [...word.matchAll(/B\d{2}|B8A|SCL/g)].map((match) => match[0]) : [];
}

/** True for a folder that only sorts by resolution ('R10m' in a Sentinel-2 product): it is no acquisition of its own. */
export function isResolutionFolder(name: string): boolean {
  return RESOLUTION.test(name);
}

const CLOCK = '(\\d{2})[:-]?(\\d{2})[:-]?(\\d{2})';
/** Most telling first; each gives year, month, day and perhaps hour, minute, second. */
const instants = [
  new RegExp(`(?<!\\d)(\\d{4})(\\d{2})(\\d{2})[T_]${CLOCK}(?!\\d)`),
  new RegExp(`(?<!\\d)(\\d{4})[-:](\\d{2})[-:](\\d{2})[T_ ]${CLOCK}`),
  /(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)/,
  /(?<!\d)(\d{4})_(\d{2})_(\d{2})(?!\d)/,
  /(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)/,
];

/** The first time in a text (a name or a tag); null when there is none. */
export function parseTime(text: string): Time | null {
  const found = instants.map((pattern) => pattern.exec(text)).filter((match) => match !== null)
    .map((match) => ({ at: match.index, instant: instantOf(match.slice(1).map(Number)) }))
    .filter(({ instant }) => instant !== null);
  // Product names list the acquisition before the processing; of two readings of one place the longer wins.
  const first = found.sort((a, b) => a.at - b.at)[0];
  if (first) return { start: first.instant! };
  return dayOfYear(text) ?? month(text);
}

function instantOf([year, monthNumber, day, hour = 0, minute = 0, second = 0]: number[]): string | null {
  if (year! < 1957 || year! > 2100) return null;
  const date = new Date(Date.UTC(year!, monthNumber! - 1, day, hour, minute, second));
  const isReal = date.getUTCMonth() === monthNumber! - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return isReal ? isoSeconds(date) : null;
}

/** 'A2018031': the form of MODIS and VIIRS. */
function dayOfYear(text: string): Time | null {
  const [, year, day] = /(?:^|[._])A(\d{4})(\d{3})(?!\d)/.exec(text) ?? [];
  if (year === undefined || Number(day) < 1 || Number(day) > 366) return null;
  return { start: isoSeconds(new Date(Date.UTC(Number(year), 0, Number(day)))) };
}

function month(text: string): Time | null {
  const [, year, number] = /(?<![\d-])(\d{4})-(\d{2})(?![\d-])/.exec(text) ?? [];
  const start = year === undefined ? null : instantOf([Number(year), Number(number), 1]);
  return start === null ? null : { start, end: isoSeconds(new Date(Date.UTC(Number(year), Number(number), 1) - 1000)) };
}

const isoSeconds = (date: Date) => date.toISOString().replace('.000Z', 'Z');
