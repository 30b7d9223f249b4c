import { expect, it } from 'vitest';
import { hasClasses, withClasses } from '../../src/catalog/class-codes.ts';
import { cloudCodesOf } from '../../src/catalog/cloud-codes.ts';

const scl = { href: 'a.tif', data_type: 'uint8', roles: ['data'], bands: [{ name: 'SCL' }] };
const classesOf = (asset: object) => (withClasses({ asset } as never) as Record<string, { 'classification:classes'?: { value: number; name: string; color_hint: string }[] }>)['asset']!['classification:classes'];

it('tells what the codes of Sentinel-2\'s scene classification mean, each once', () => {
  const classes = classesOf(scl)!;
  expect(classes.map(({ value }) => value)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  expect(new Set(classes.map(({ name }) => name)).size).toBe(12);
  expect(classes.every(({ color_hint: colour }) => /^[0-9a-f]{6}$/.test(colour))).toBe(true);
  expect(hasClasses(withClasses({ scl }))).toBe(true);
});

it('agrees with what the codes say about clouds', () => {
  const { rules } = cloudCodesOf('SCL', undefined)!;
  const of = (word: RegExp) => classesOf(scl)!.filter(({ name }) => word.test(name)).map(({ value }) => String(value));
  expect(Object.keys((rules.cloud![0] as { values: object }).values)).toEqual(of(/^cloud_(medium|high)|cirrus/));
  expect(Object.keys((rules.shadow![0] as { values: object }).values)).toEqual(of(/^cloud_shadow/));
});

it.each([
  ['another band', { ...scl, bands: [{ name: 'B04' }] }],
  ['one of several bands', { ...scl, bands: [{ name: 'SCL' }, { name: 'B04' }] }],
  ['numbers that are no codes', { ...scl, data_type: 'float32' }],
  ['a file that is computed', { ...scl, roles: ['data', 'virtual'] }],
])('says nothing of %s', (_, asset) => {
  expect(classesOf(asset)).toBeUndefined();
  expect(hasClasses({ asset })).toBe(false);
});

it('leaves what somebody said of an asset', () => {
  const own = [{ value: 1, description: 'One' }];
  expect(classesOf({ ...scl, 'classification:classes': own })).toBe(own);
});
