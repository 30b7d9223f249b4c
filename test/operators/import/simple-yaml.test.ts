import { expect, it } from 'vitest';
import { readSimpleYaml } from '../../../src/operators/import/simple-yaml.ts';

it.each<[string, unknown]>([
  ['a: 1\nb: x y\nc: "1"\nd: true\ne: null\nf: -1.5e-3', { a: 1, b: 'x y', c: '1', d: true, e: null, f: -0.0015 }],
  ['a:\n  b:\n    c: 1\n  d: 2\ne: 3', { a: { b: { c: 1 }, d: 2 }, e: 3 }],
  ['a:\n  - 1\n  - x\nb: 2', { a: [1, 'x'], b: 2 }],
  ['a:\n- 1\n- 2\nb: [3, "4", x]\nc: []', { a: [1, 2], b: [3, '4', 'x'], c: [] }],
  ['a: [1,\n  2,\n  3]\nb: 1', { a: [1, 2, 3], b: 1 }],
  ['# comment\n---\na: 1 # behind\nb: "x # y"', { a: 1, b: 'x # y' }],
  ['a:\nb: 1', { a: null, b: 1 }],
  ['- 1\n- 2', [1, 2]],
  ['', null],
])('reads %j', (source, value) => {
  expect(readSimpleYaml(source)).toEqual(value);
});

it('ends for everything', () => {
  for (const source of [':', '-', '- - -', 'a: [', '\t\t', 'a\n b\n  c', `${'a:\n'.repeat(10)}`]) expect(() => readSimpleYaml(source)).not.toThrow();
  expect(() => readSimpleYaml(Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'))).toThrow(/64 deep/);
});
