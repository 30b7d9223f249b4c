/** G5: CLAIMED's interface knew four types and nothing else of a value; a wrong one was noticed by the program, hours later. */
import { expect, it } from 'vitest';
import { calledOperator, plainOperator } from '../../src/operators/called-operator.ts';
import { claimedInterface } from '../../src/operators/import/claimed.ts';
import type { OperatorManifest, OperatorParameter } from '../../src/operators/operator.ts';

const declared = claimedInterface(`import os, json
# dimensions that are kept; range 1..1024
dimensions = int(os.getenv('dimensions', '64'))
# radius; unit m; range 0..
radius = float(os.getenv('radius', '30'))
# pooling; one of mean, max
pooling = os.getenv('pooling', 'mean')
# bands in their order
bands = os.getenv('bands', 'B02,B03').split(',')
# mean of each band
mean = json.loads(os.getenv('mean', '[1.0, 2.0]'))
# weight of the distortion
ld = os.getenv('ld', '1e10')
`).params;
const operatorOf = (params: readonly OperatorParameter[]) => plainOperator({ name: 'x', kind: 'exec', params } as unknown as OperatorManifest, async () => '/');
const problem = (options: object, params = declared) => {
  try {
    return calledOperator(operatorOf(params), { name: 'x', params: {} }, options as Record<string, unknown>).reference;
  } catch (error) {
    return (error as Error).message;
  }
};

it('reads arrays, ranges, units and choices from a source', () => {
  const described = (parameter: object) => ({ ...parameter, description: expect.stringMatching(/^[a-z ]+$/) });
  expect(declared).toEqual([
    described({ name: 'dimensions', type: 'integer', minimum: 1, maximum: 1024, default: 64 }),
    described({ name: 'radius', type: 'number', minimum: 0, unit: 'm', default: 30 }),
    described({ name: 'pooling', type: 'string', enum: ['mean', 'max'], default: 'mean' }),
    described({ name: 'bands', type: 'array', items: 'string', default: ['B02', 'B03'] }),
    described({ name: 'mean', type: 'array', items: 'number', default: [1, 2] }),
    described({ name: 'ld', type: 'string', default: '1e10' }),
  ]);
});

it.each([
  [{ dimensions: 0 }, "'dimensions'", '1 at least'], [{ dimensions: 1025 }, "'dimensions'", '1024 at most'], [{ radius: -1 }, "'radius'", '0 at least, not -1 (in m)'],
  [{ pooling: 'median' }, "'pooling'", 'one of "mean", "max"'], [{ bands: 'B02' }, "'bands'", 'an array'], [{ mean: [1, 'x'] }, "'mean'", 'entry 1 must be a number'],
])('refuses %j before anything runs', (options, name, reason) => {
  expect(problem(options)).toContain(name);
  expect(problem(options)).toContain(reason);
});

it("lets an author call '1e10' the number that it is", () => {
  const better = declared.map((p) => (p.name === 'ld' ? { ...p, type: 'number' as const, default: 1e10, minimum: 0 } : p));
  expect(problem({ ld: 1e8 }, better)).toMatch(/\?ld=100000000$/);
  expect(problem({ ld: '1e8' }, better)).toContain('must be a number, not "1e8"');
});
