/** Mistakes in the test vectors of the cube processes; see vector-defects.ts. */
import { withArgument, type Raw, type Repair } from './vector-defects.ts';

const replaced = (raw: Raw, from: string | RegExp, to: string): Raw => JSON.parse(JSON.stringify(raw).replaceAll(from, to)) as Raw;

/** The observations are of June 2020, the intervals are written for January; expected values are rounded to two digits or three. */
const inJune = (raw: Raw): Raw => ({ ...replaced(raw, '"2020-01-', '"2020-06-'), delta: 0.0051 });

const ASSET = 'expects 165 where the asset holds 255, which is no-data';

const NEGATED_MASK = 'the asset is 1 where the values are to be kept; the process masks where it is not 0';
const negateMask = (raw: Raw): Raw => withArgument(raw, 'mask', flipped(raw.arguments['mask'] as { data: number[][] }));
const flipped = (mask: { readonly data: number[][] }) => ({ ...mask, data: mask.data.map((row) => row.map((v) => 1 - v)) });

const keepsNodata = (returns: { readonly data: number[][][] }) => ({ ...returns, data: returns.data.map((band) => band.with(2, band[2]!.with(2, 255))) });

const INSIDE = 'the polygon lies beside the data: nothing of them is inside, everything outside';
const turnInside = (raw: Raw): Raw => withArgument(raw, 'inside', raw.arguments['inside'] !== true);

interface Images {
  readonly data: number[][][][];
}

/** The cells that all other images of the asset hide, hidden in the last one too. */
const hidesThirdRow = (returns: Images): Images => ({
  ...returns,
  data: returns.data.map((dates, b) => dates.map((image, t) => (b === 3 && t === 5 ? image.with(2, image[2]!.map((value, x) => (x > 2 && x < 7 ? Number.NaN : value))) : image))),
});

interface Returned {
  readonly order: readonly string[];
  readonly dimensions: Readonly<Record<string, object>>;
}

/** Other labels for the first dimension of the expected cube, or another name for it. */
const withFirst = (raw: Raw, values: readonly (string | number)[] | null, name?: string): Raw => {
  const { order: [first, ...rest], dimensions, ...returns } = raw.returns as Returned;
  const { [first!]: found, ...others } = dimensions;
  const dimension = { type: 'temporal', ...found, ...(values && { values }) };
  return { ...raw, returns: { ...returns, order: [name ?? first!, ...rest], dimensions: { [name ?? first!]: dimension, ...others } } };
};

const DAY_LABELS = 'labels the days as hours';

const sourceAsTarget = ({ arguments: { source, ...given }, ...raw }: Raw): Raw => ({ ...raw, arguments: { ...given, target: source } });

export const cubeRepairs: Record<string, Record<number, Repair>> = {
  aggregate_temporal: {
    5: { reason: 'intervals in January, observations in June', mend: inJune },
    6: { reason: 'intervals in January, observations in June', mend: inJune },
    7: { reason: 'intervals in January, observations in June', mend: inJune },
    8: { reason: 'intervals in January, observations in June', mend: inJune },
    9: {
      reason: 'intervals in January, and the labels stand inside the reducer',
      mend: (raw) => {
        const { labels, ...reducer } = raw.arguments['reducer'] as { labels: unknown };
        return inJune(withArgument(withArgument(raw, 'reducer', reducer), 'labels', labels));
      },
    },
    10: { reason: 'expects the median, which is declared as required, and calls mean', mend: (raw) => withArgument(raw, 'reducer', replaced(raw, '"mean"', '"median"').arguments['reducer']) },
  },
  aggregate_temporal_period: {
    3: {
      reason: `${DAY_LABELS}, and has two empty hours where one is expected`,
      mend: (raw) => withFirst(replaced(raw, 'T04:00:00Z', 'T03:00:00Z'), ['2020-06-01-00', '2020-06-01-01', '2020-06-01-02', '2020-06-01-03']),
    },
    4: { reason: DAY_LABELS, mend: (raw) => withFirst(raw, ['2020-153', '2020-154', '2020-155', '2020-156']) },
    7: { reason: 'names the dimension t2 and expects t', mend: (raw) => withFirst(raw, null, 't2') },
    8: { reason: 'names the dimension t2 and expects t', mend: (raw) => withFirst(raw, null, 't2') },
    9: { reason: 'names the dimension t2 and expects t', mend: (raw) => withFirst(raw, null, 't2') },
  },
  apply: { 2: { skip: ASSET } },
  apply_dimension: {
    1: { skip: ASSET },
    2: { reason: 'the cube has no bands, the values are those along t', mend: (raw) => withArgument(raw, 'dimension', 't') },
  },
  create_data_cube: {
    0: { reason: 'a cube without dimensions holds one value, which is no-data', mend: (raw) => ({ ...raw, returns: { ...(raw.returns as Returned), data: null } }) },
  },
  filter_bands: { 4: { skip: 'the arguments of the case before it with another result; wavelengths may be meant, but the asset has none' } },
  mask: {
    0: { reason: NEGATED_MASK, mend: negateMask },
    1: { reason: NEGATED_MASK, mend: negateMask },
    2: {
      reason: `${NEGATED_MASK}; also expects the replacement where no-data is kept`,
      mend: (raw) => negateMask({ ...raw, returns: keepsNodata(raw.returns as { data: number[][][] }) }),
    },
  },
  mask_polygon: {
    0: { reason: INSIDE, mend: turnInside },
    1: { reason: INSIDE, mend: turnInside },
    6: { reason: 'the asset leaves one of 24 images unmasked in its third row', mend: (raw) => ({ ...raw, returns: hidesThirdRow(raw.returns as Images) }) },
  },
  rename_dimension: {
    3: { reason: 'x and y are mixed up', mend: (raw) => withArgument(raw, 'source', 'y') },
    4: { reason: 'x and y are mixed up', mend: (raw) => withArgument(raw, 'source', 'x') },
  },
  rename_labels: {
    5: { reason: 'the target is given as source', mend: sourceAsTarget },
    7: { reason: 'the target is given as source', mend: sourceAsTarget },
  },
};
