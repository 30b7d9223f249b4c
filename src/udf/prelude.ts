/**
 * The code that a sandbox runs before that of the user: it makes `console`, stops the clock, and returns
 * the functions by which the service calls those of the user.
 *
 * It keeps the built-in functions that it needs, so that a user who changes them changes his own results
 * at most. What it gives back is made of numbers, texts and buffers, which the service checks.
 *
 * The clock stands still and random numbers are the same in every run: results are cached by what they
 * are computed from.
 */
export const prelude = `(function (log) {
'use strict';
const { stringify, parse } = JSON;
const { isArray } = Array;
const [Float64, Uint8, Plain, Wrong, Bounds, Text, RealDate] = [Float64Array, Uint8Array, Object, TypeError, RangeError, String, Date];
const { freeze, defineProperty } = Object;
const isView = ArrayBuffer.isView;

const shown = (value) => {
  if (typeof value === 'string') return value;
  try { return stringify(value) ?? Text(value); } catch { return Text(value); }
};
const write = (level) => (...values) => { log(level, values.map(shown).join(' ')); };
defineProperty(globalThis, 'console', { value: freeze({ log: write('info'), info: write('info'), debug: write('debug'), warn: write('warning'), error: write('error') }) });

let seed = 0x2545f491;
Math.random = () => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5;
  return (seed >>> 0) / 4294967296;
};
const StillDate = class Date extends RealDate {
  constructor(...given) { if (given.length === 0) super(0); else super(...given); }
  static now() { return 0; }
};
defineProperty(StillDate.prototype, 'constructor', { value: StillDate });
RealDate.prototype.constructor = StillDate;
RealDate.now = () => 0;
globalThis.Date = StillDate;

const kindOf = (value) => (value === null ? 'null' : isArray(value) ? 'an array' : isView(value) ? 'a typed array' : typeof value === 'undefined' ? 'nothing' : typeof value === 'object' ? 'an object' : 'a ' + typeof value);
const isPromise = (value) => typeof value === 'object' && value !== null && typeof value.then === 'function';
const refuse = (value, wanted) => {
  if (isPromise(value)) throw new Wrong('apply() must not be asynchronous');
  throw new Wrong('apply() must return ' + wanted + ', not ' + kindOf(value) + (value === undefined ? '; is there a return statement?' : ''));
};
const isList = (value) => isArray(value) || (isView(value) && value.length !== undefined);
const isOne = (value) => value === null || typeof value === 'number' || typeof value === 'boolean';

const single = (data, nulls, at, asBoolean) => (nulls !== null && nulls[at] === 1 ? null : asBoolean ? data[at] !== 0 : data[at]);

// Written out for the common case: this runs for every sample.
const series = (data, nulls, first, inner, length, asBoolean) => {
  const cell = [];
  let at = first;
  if (nulls === null && !asBoolean) {
    for (let k = 0; k < length; k++, at += inner) cell[k] = data[at];
  } else {
    for (let k = 0; k < length; k++, at += inner) cell[k] = nulls !== null && nulls[at] === 1 ? null : asBoolean ? data[at] !== 0 : data[at];
  }
  return cell;
};

const probes = [(k, b) => (b ? true : k + 1), (k, b) => (b ? k % 2 === 0 : -k - 0.5), (k, b) => (b ? false : 0), () => null];

return freeze({
  probe(apply, layoutText, contextText) {
    const { labels, isBoolean } = parse(layoutText);
    const found = { length: null, type: null, kind: null };
    let failure = null;
    for (let n = 0; n < probes.length; n++) {
      let value;
      try {
        value = apply(labels === null ? probes[n](0, isBoolean) : labels.map((_, k) => probes[n](k, isBoolean)), parse(contextText), labels);
      } catch (error) {
        failure ??= { error };
        continue;
      }
      if (!isOne(value) && !isList(value)) refuse(value, 'a number, a boolean, null or an array of them');
      const elements = isList(value) ? value : [value];
      const kind = isList(value) ? 'array' : 'single';
      // No-data says nothing about what other pixels give.
      if (value !== null) {
        if (found.kind !== null && found.kind !== kind) throw new Wrong('apply() must always return a single value or always an array');
        found.kind = kind;
        if (kind === 'array') found.length = Math.max(found.length ?? 0, elements.length);
      }
      for (let k = 0; k < elements.length; k++) {
        if (!isOne(elements[k])) refuse(elements[k], 'numbers, booleans or null');
        if (elements[k] !== null) found.type ??= typeof elements[k];
      }
      failure = failure ?? null;
      found.works = true;
    }
    if (!found.works) throw failure.error;
    return stringify({ length: found.length, type: found.type ?? 'number' });
  },

  cells(apply, layoutText, contextText, resultText, dataBuffer, nullsBuffer) {
    const { outer, inner, labels, isBoolean } = parse(layoutText);
    const { length, type } = parse(resultText);
    const context = parse(contextText);
    const data = new Float64(dataBuffer);
    const nulls = nullsBuffer === null ? null : new Uint8(nullsBuffer);
    const out = new Float64(outer * (length ?? 1) * inner);
    const flags = new Uint8(out.length);
    const wanted = type === 'boolean' ? 'true, false or null' : 'a number or null';
    const count = labels === null ? 1 : labels.length;
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const cell = labels === null ? single(data, nulls, o * inner + i, isBoolean) : series(data, nulls, o * count * inner + i, inner, count, isBoolean);
        const value = apply(cell, context, labels);
        if (length === null) {
          if (typeof value === type) out[o * inner + i] = value;
          else if (value === null) flags[o * inner + i] = 1;
          else refuse(value, wanted);
          continue;
        }
        if (value !== null && !isList(value)) refuse(value, 'an array');
        const found = value === null ? 0 : value.length;
        if (found > length) throw new Bounds('apply() must return arrays of at most ' + length + ' values, as it did for the first pixels, not ' + found);
        for (let k = 0, at = o * length * inner + i; k < length; k++, at += inner) {
          const element = k < found ? value[k] : null;
          if (typeof element === type) out[at] = element;
          else if (element === null) flags[at] = 1;
          else refuse(element, wanted);
        }
      }
    }
    return { data: out.buffer, nulls: flags.buffer };
  },

  describe(describe, shapeText, contextText) {
    const { dimensions } = parse(shapeText);
    const result = describe({ dimensions, shape: dimensions.map((d) => d.labels.length) }, parse(contextText));
    const list = isArray(result) ? result : isPromise(result) ? null : result?.dimensions;
    if (!isArray(list)) throw new Wrong('describe() must return the dimensions of the result, an array of {name, type, labels}');
    return stringify(list.map((d) => ({ name: d.name, type: d.type, labels: d.labels })));
  },

  chunk(apply, shapeText, contextText, expectedText, dataBuffer, nullsBuffer) {
    const { dimensions } = parse(shapeText);
    const expected = parse(expectedText);
    const count = expected.reduce((a, b) => a * b, 1);
    const nulls = nullsBuffer === null ? null : new Uint8(nullsBuffer);
    const result = apply({ data: new Float64(dataBuffer), nulls, shape: dimensions.map((d) => d.labels.length), dimensions }, parse(contextText));
    const list = isList(result) ? result : isPromise(result) || result === null || typeof result !== 'object' ? undefined : result.data;
    if (!isList(list)) refuse(result, 'a cube, {data, nulls?}, or its data');
    if (list.length !== count) throw new Bounds('apply() must return ' + count + ' values, the shape [' + expected.join(', ') + '], not ' + list.length + '; describe() announces another shape');
    const out = new Float64(count);
    const flags = new Uint8(count);
    const given = isList(result) ? null : result.nulls ?? null;
    if (given !== null && (!isList(given) || given.length !== count)) throw new Bounds('nulls must have as many elements as data');
    for (let i = 0; i < count; i++) {
      const value = list[i];
      if (value !== null && typeof value !== 'number' && typeof value !== 'boolean') refuse(value, 'numbers');
      if (given !== null ? given[i] : value === null || value !== value) flags[i] = 1;
      else out[i] = value === null ? NaN : +value;
    }
    return { data: out.buffer, nulls: flags.buffer };
  },
});
})`;
