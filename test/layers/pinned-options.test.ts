import { expect, it } from 'vitest';
import { Faults } from '../../src/layers/layer-faults.ts';
import { pinOperators } from '../../src/layers/layer-graph.ts';
import { plainOperator } from '../../src/operators/called-operator.ts';
import { createRegistry, openRegistry } from '../../src/operators/registry/installed.ts';
import { operatorsDirectory } from '../operators/golden.ts';

const shipped = await openRegistry(operatorsDirectory);
const spectral = plainOperator({
  ...shipped.resolve('pca').manifest, name: 'spectral', params: [{ name: 'radius', description: 'How far.', type: 'integer' }],
}, async () => '/nowhere');
const operators = createRegistry([...shipped.list(), spectral]);

const graphWith = (args: Record<string, unknown>) => ({ embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, ...args } } });

it('puts the parameters of an operator into the pinned reference', () => {
  const faults = new Faults();
  const { graph } = pinOperators(graphWith({ model: 'spectral', options: { radius: 3 } }), undefined, operators, faults);
  expect(faults.list).toEqual([]);
  expect(graph['embed']!.arguments).toEqual({ data: { from_node: 'load' }, model: `spectral@${spectral.digest}?radius=3` });
  // What a client got and sends back means the same.
  expect(pinOperators(graph, undefined, operators, faults).graph).toEqual(graph);
  expect(operators.resolve(graph['embed']!.arguments['model'] as string).params).toEqual({ radius: 3 });
});

it('names the parameter that is wrong or missing', () => {
  for (const options of [{ radius: 'x' }, {}, undefined]) {
    const faults = new Faults();
    pinOperators(graphWith({ model: 'spectral', ...(options && { options }) }), undefined, operators, faults);
    expect(faults.list).toEqual([expect.objectContaining({ code: 'ProcessParameterInvalid', message: expect.stringContaining("'radius'") })]);
  }
});
