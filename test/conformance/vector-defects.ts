/**
 * Mistakes in the test vectors of processes 2.0.0-rc.2 (to be reported upstream), by process and index of
 * the case. A mistake whose intention is clear is mended and the case runs; otherwise it is left out.
 */
export interface Repair {
  readonly reason?: string;
  readonly mend?: (raw: Raw) => Raw;
  readonly skip?: string;
}

export interface Raw {
  readonly arguments: Readonly<Record<string, unknown>> & { readonly label?: unknown; readonly condition?: unknown };
  readonly returns?: unknown;
  readonly delta?: number;
}

export const withArgument = (raw: Raw, name: string, value: unknown): Raw => ({ ...raw, arguments: { ...raw.arguments, [name]: value } });

const callback = (process_id: string, args: Record<string, unknown>) => ({ process_graph: { [process_id]: { process_id, arguments: args, result: true } } });

/** The callback lacks the `process_graph` around it, and calls its parameter `element` instead of `x`. */
const wrapCondition = (raw: Raw): Raw => {
  const graph = JSON.parse(JSON.stringify(raw.arguments.condition).replace('"element"', '"x"')) as unknown;
  return withArgument(raw, 'condition', { process_graph: graph });
};

/** Array with the labels B01 …: the case asks for BO1, with the letter. */
const zeroForLetter = (raw: Raw): Raw => withArgument(raw, 'label', String(raw.arguments.label).replace('BO', 'B0'));

const asLabeledArray = (raw: Raw): Raw => ({ ...raw, returns: { type: 'labeled-array', data: raw.returns } });

/** The expected value contradicts the process description; what the description demands is put in its place. */
const returning = (value: unknown) => (raw: Raw): Raw => ({ ...raw, returns: value });

/** array_filter calls its callback `condition`; the file says `process`. */
const renameCondition = (raw: Raw): Raw => {
  const { process, ...rest } = raw.arguments;
  return { ...raw, arguments: { ...rest, condition: process } };
};

const misnamed = 'the parameter condition is called process';

export const repairs: Record<string, Record<number, Repair>> = {
  all: { 8: { reason: 'the description has the same case as an example, with no-data as the result', mend: returning(null) } },
  any: { 8: { reason: 'the description has the same case as an example, with no-data as the result', mend: returning(null) } },
  array_append: { 0: { reason: '0 appended to an empty array is [0], not [1]', mend: returning([0]) } },
  array_apply: {
    8: {
      reason: 'the process is spelt mulitply, and (−4.725 + 1.5) · 2 is negative',
      mend: (raw) => returning([5, -1, 10, -6.45, NaN])(
        withArgument(raw, 'process', JSON.parse(JSON.stringify(raw.arguments.process).replaceAll('mulitply', 'multiply'))),
      ),
    },
  },
  array_element: { 3: { reason: 'label BO2 for B02', mend: zeroForLetter } },
  array_filter: {
    0: {
      reason: `${misnamed}; x is given twice, the second is meant to be y`,
      mend: (raw) => withArgument(renameCondition(raw), 'condition', callback('gt', { x: { from_parameter: 'x' }, y: 3 })),
    },
    1: { reason: misnamed, mend: renameCondition },
    2: { reason: misnamed, mend: renameCondition },
    3: { reason: `${misnamed}; a labeled array without its type`, mend: (raw) => asLabeledArray(renameCondition(raw)) },
    4: { reason: `${misnamed}; a labeled array without its type`, mend: (raw) => asLabeledArray(renameCondition(raw)) },
    5: {
      reason: `${misnamed}; the condition must be boolean: gt is declared as required and gives the expected result`,
      mend: (raw) => withArgument(renameCondition(raw), 'condition', callback('gt', { x: { from_parameter: 'x' }, y: 1 })),
    },
    6: { reason: misnamed, mend: renameCondition },
  },
  array_find: { 6: { reason: 'the index counts from zero: 3 is at 0', mend: returning(0) } },
  array_modify: {
    3: {
      reason: 'removing one element needs length 1, whose default is 0',
      mend: (raw) => withArgument(raw, 'length', 1),
    },
  },
  count: {
    4: { reason: 'no process_graph around the condition', mend: wrapCondition },
    5: { reason: 'no process_graph around the condition', mend: wrapCondition },
  },
  lte: { 15: { reason: 'infinity is equal to itself (IEEE 754; gte expects so)', mend: returning(true) } },
  product: { 10: { reason: '−∞ · ∞ is −∞ (IEEE 754), not NaN as in a sum', mend: returning(-Infinity) } },
  reduce_dimension: { 1: { skip: 'expects 192/165 where the asset holds 192/255' } },
};
