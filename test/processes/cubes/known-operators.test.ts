import { expect, it, describe } from 'vitest';
import { validate } from '../../../src/graph/parse.ts';
import { plainOperator } from '../../../src/operators/called-operator.ts';
import { createRegistry as operatorsOf, openRegistry } from '../../../src/operators/registry/installed.ts';
import type { Operator, OperatorRegistry } from '../../../src/operators/operator.ts';
import { withOperators } from '../../../src/processes/cubes/known-operators.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../../src/processes/index.ts';
import { operatorsDirectory } from '../../operators/golden.ts';

const plain = createRegistry(await loadDescriptions(new URL('../../../processes/', import.meta.url)), allProcesses);
const shipped = await openRegistry(operatorsDirectory);
const { manifest } = shipped.resolve('pca');
const spectral = plainOperator({
  ...manifest, namespace: 'e2s', name: 'spectral', title: 'Spectral sums',
  params: [
    { name: 'gain', description: 'Factor.', type: 'number', minimum: 0, maximum: 4, default: 1 },
    { name: 'bands', description: 'Which.', type: 'array', items: 'string', enum: ['B02', 'B03'], default: ['B02'] },
    { name: 'radius', description: 'How far.', type: 'integer', unit: 'px' },
  ],
}, async () => '/nowhere');
const operators = operatorsOf([...shipped.list(), spectral]);
const registry = withOperators(plain, operators);

function errors(args: Record<string, unknown>) {
  const parameters = [{ name: 'wanted', description: '', schema: {} }];
  const process_graph = { load: { process_id: 'load_collection', arguments: { id: 'S2', spatial_extent: null, temporal_extent: null } }, embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, ...args }, result: true } };
  return validate({ process_graph, parameters }, registry).map(({ code, message, path }) => ({ code, message, node: path.at(-1)?.node_id }));
}

describe('a call of compress_embed, before it is queued', () => {
  it.each([
    [{ model: 'pca' }], [{ model: 'pca:1', options: null }], [{ model: 'e2s/spectral', options: { radius: 3, gain: 2.5, bands: ['B03'] } }], [{ model: 'sandbox/e2s/spectral:1?radius=3' }],
    [{ model: 'e2s/spectral', options: { radius: 3, gain: null } }], [{ model: { from_parameter: 'wanted' }, options: { radius: 'x' } }],
    [{ model: 'e2s/spectral', options: { from_parameter: 'wanted' } }], [{ model: 'e2s/spectral', options: { radius: { from_parameter: 'wanted' } } }],
  ])('is right: %j', (args) => {
    expect(errors(args)).toEqual([]);
  });

  it.each<[Record<string, unknown>, string, RegExp]>([
    [{ model: 'nope' }, 'OperatorNotFound', /There are: conv:.*, e2s\/spectral:/],
    [{ model: 'onnx/onnx/pca' }, 'OperatorNotFound', /Write '\[runtime\/\]/],
    [{ model: 'pca', options: { gain: 2 } }, 'ProcessParameterInvalid', /parameter 'gain'.*'pca' has no such parameter; it has none/],
    [{ model: 'e2s/spectral' }, 'ProcessParameterInvalid', /parameter 'radius'.*requires it: How far\./],
    [{ model: 'e2s/spectral', options: { radius: '3' } }, 'ProcessParameterInvalid', /parameter 'radius'.*must be a whole number, not "3" \(in px\)/],
    [{ model: 'e2s/spectral', options: { radius: 3, patchsize: 8 } }, 'ProcessParameterInvalid', /parameter 'patchsize'.*no such parameter/],
    [{ model: 'e2s/spectral?gain=9', options: { radius: 3 } }, 'ProcessParameterInvalid', /parameter 'gain'.*4 at most/],
    [{ model: 'e2s/spectral?radius=1', options: { radius: 3 } }, 'ProcessParameterInvalid', /parameter 'radius'.*given twice/],
    [{ model: 'pca', options: [] }, 'ProcessParameterInvalid', /parameter 'options'/],
    [{ model: 'pca', options: { a: {} } }, 'ProcessParameterInvalid', /parameter 'options'/],
  ])('is refused, naming the parameter: %j', (args, code, message) => {
    expect(errors(args)[0]).toEqual({ code, message: expect.stringMatching(message), node: 'embed' });
  });

  it('is not checked where nobody knows the operators', () => {
    expect(validate({ process_graph: { embed: { process_id: 'compress_embed', arguments: { data: 1, model: 'nope' }, result: true } } }, plain).map((e) => e.code)).toEqual(['ProcessParameterInvalid']);
  });
});

describe('the description of compress_embed', () => {
  const parameter = (of: typeof registry, name: string) => of.get('compress_embed')!.description.parameters.find((p) => p.name === name)!;

  it('lists the operators', () => {
    expect(parameter(registry, 'model')).toMatchObject({ schema: { type: 'string', examples: ['conv', 'e2s/spectral', 'pca'] }, description: expect.stringContaining('* `e2s/spectral`: Spectral sums (1.0.0)') });
    expect(parameter(plain, 'model').schema).toEqual({ type: 'string' });
  });

  it('has the schemas of their parameters', () => {
    expect(parameter(registry, 'options')).toMatchObject({ optional: true, default: {}, description: expect.stringContaining('* `e2s/spectral`: `gain`, `bands`, `radius`'), schema: [{ title: 'others' }, {
      title: 'e2s/spectral', type: 'object', required: ['radius'],
      properties: {
        gain: { type: 'number', minimum: 0, maximum: 4, default: 1, description: 'Factor.' },
        bands: { type: 'array', items: { type: 'string', enum: ['B02', 'B03'] }, default: ['B02'] },
        radius: { type: 'integer', description: 'How far. Unit: px.' },
      },
    }] });
  });

  it('follows the list of operators', () => {
    let list: readonly Operator[] = shipped.list();
    const moving: OperatorRegistry = { list: () => list, resolve: (text, options) => operators.resolve(text, options) };
    const following = withOperators(plain, moving);
    expect(parameter(following, 'options').schema).toEqual(parameter(plain, 'options').schema);
    const before = following.get('compress_embed')!.description;
    expect(following.get('compress_embed')!.description).toBe(before);
    list = operators.list();
    expect(parameter(following, 'model').schema).toMatchObject({ examples: ['conv', 'e2s/spectral', 'pca'] });
  });
});
