import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FeatureSplitter } from '../../../src/catalog/bulk/split-features.ts';

function split(text: string, size: number): { features: unknown[]; rest: unknown } {
  const splitter = new FeatureSplitter();
  const bytes = Buffer.from(text);
  const texts: string[] = [];
  for (let i = 0; i < bytes.length; i += size) texts.push(...splitter.push(bytes.subarray(i, i + size)));
  return { features: texts.map((feature) => JSON.parse(feature) as unknown), rest: JSON.parse(splitter.rest()) };
}

it('finds the features of any document, wherever its pieces are cut', () => {
  fc.assert(fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.dictionary(fc.string(), fc.jsonValue()), fc.integer({ min: 1, max: 40 }), fc.boolean(), (features, others, size, isIndented) => {
    const { features: _, ...rest } = others;
    const document = JSON.parse(JSON.stringify({ ...rest, features, links: [{ features: [1] }] })) as { features: unknown[] };
    expect(split(JSON.stringify(document, null, isIndented ? 2 : undefined), size)).toEqual({ features: document.features, rest: { ...document, features: [] } });
  }), { numRuns: 300, seed: 5 });
});

it('takes a list of that name only at the top', () => {
  expect(split('{"a":{"features":[{}]},"b":"\\"features\\":[{","features" : [ {"x":"]}"} , {} ]}', 3)).toEqual({ features: [{ x: ']}' }, {}], rest: { a: { features: [{}] }, b: '"features":[{', features: [] } });
  expect(split('{"type":"Feature","features":5}', 3)).toEqual({ features: [], rest: { type: 'Feature', features: 5 } });
});

it.each([['{"features":[{}', 'in the middle'], ['{"features":[1]}', 'not all objects'], ['{"features":[{}], "x": "', 'in the middle']])('%s is refused', (text, reason) => {
  expect(() => split(text, 4)).toThrow(reason);
});
