import { expect, it } from 'vitest';
import { allProcesses, createRegistry, scalarProcesses } from '../../src/processes/index.ts';
import { cubeProcesses } from '../../src/processes/cubes/index.ts';
import { descriptions, registry } from './registry.ts';

it('describes exactly what is implemented', () => {
  expect(Object.keys(allProcesses).sort()).toEqual([...descriptions.keys()].sort());
});

it('implements no process twice', () => {
  expect(Object.keys(scalarProcesses).filter((id) => id in cubeProcesses)).toEqual([]);
});

it('finds descriptions and implementations by id', () => {
  expect(registry.get('mean')?.description.id).toBe('mean');
  expect([...registry.keys()]).toEqual([...registry.keys()].sort());
});

it('refuses an implementation without description', () => {
  expect(() => createRegistry(new Map(), { add: scalarProcesses['add']! })).toThrow("'add' has no description");
});
