import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { manifestProblems } from '../../src/operators/manifest.ts';
import { operatorsDirectory } from './golden.ts';

type Manifest = Record<string, unknown>;
const schema = JSON.parse(readFileSync(new URL('../../docs/schemas/operator.schema.json', import.meta.url), 'utf8'));
const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema);

const onnx: Manifest = JSON.parse(readFileSync(`${operatorsDirectory}pca/operator.json`, 'utf8'));
const { model: _, ...geometry } = onnx;
const file = { sha256: 'a'.repeat(64), size: 2 };
const exec: Manifest = { ...geometry, kind: 'exec', command: ['./run.sh', 'x'], files: { 'run.sh': file, 'golden.json': { ...file, role: 'golden' }, 'lib/a.py': file } };
const image: Manifest = { ...geometry, kind: 'image', image: `docker.io/x/y@sha256:${'0'.repeat(64)}` };
const param = (change: object) => ({ params: [{ name: 'gain', description: 'Factor.', type: 'number', ...change }] });

const good: [string, Manifest][] = [
  ['pca', onnx], ['conv', JSON.parse(readFileSync(`${operatorsDirectory}conv/operator.json`, 'utf8'))], ['a program', exec], ['an image', image],
  ['an image with a command', { ...image, command: ['python', 'x.py'] }], ['a namespace', { ...exec, namespace: 'e2s' }], ['a pre-release', { ...exec, version: '2.0.0-rc.1' }],
  ['resources', { ...exec, resources: { memory_mib: 512, cpu: 0.5, gpu: true, accelerator_constrained: true, seconds: 10 } }], ['no resources', { ...exec, resources: {} }],
  ['a required parameter', { ...exec, ...param({}) }], ['a parameter', { ...exec, ...param({ default: 1, minimum: 0, maximum: 4, unit: 'm' }) }],
  ['an array', { ...exec, ...param({ type: 'array', items: 'integer', default: [1], minimum: 0 }) }], ['a choice', { ...exec, ...param({ type: 'string', enum: ['a'], default: 'a' }) }],
  ['a parameter without a value', { ...exec, ...param({ default: null }) }],
];

const bad: [string, Manifest][] = [
  ['no kind', { ...geometry, kind: undefined }], ['another kind', { ...onnx, kind: 'wasm' }], ['a model that is a program', { ...onnx, command: ['x'] }], ['a program without files', { ...exec, files: undefined }],
  ['a program with an image', { ...exec, image: image['image'] }], ['an image without digest', { ...image, image: 'docker.io/x/y:latest' }], ['an empty command', { ...exec, command: [] }], ['NUL in a command', { ...exec, command: ['a\0b'] }],
  ['a namespace that is a runtime', { ...exec, namespace: 'podman' }], ['upper case', { ...exec, name: 'Spectral' }], ['a long name', { ...exec, name: 'a'.repeat(65) }], ['two numbers as version', { ...exec, version: '1.0' }],
  ['an unknown field', { ...exec, colour: 'red' }], ['a path that leads out', { ...exec, files: { '../x': file } }], ['an absolute path', { ...exec, files: { '/x': file } }], ['a hidden file', { ...exec, files: { '.x': file } }],
  ['itself as a file', { ...exec, files: { 'operator.json': file } }], ['half a digest', { ...exec, files: { x: { ...file, sha256: 'a' } } }], ['a negative size', { ...exec, files: { x: { ...file, size: -1 } } }],
  ['too many dimensions', { ...exec, output: { dimensions: 1e6, prefix_truncatable: false } }], ['a giant patch', { ...exec, patch: 1e5 }], ['half a patch', { ...exec, patch: 1.5 }],
  ['a parameter named LD_PRELOAD', { ...exec, ...param({ name: 'LD_PRELOAD' }) }], ['a parameter named PATH', { ...exec, ...param({ name: 'PATH' }) }], ['a parameter named PYTHONPATH', { ...exec, ...param({ name: 'PYTHONPATH' }) }],
  ['a parameter with a dash', { ...exec, ...param({ name: 'a-b' }) }], ['a parameter of no type', { ...exec, ...param({ type: 'date' }) }], ['items of a number', { ...exec, ...param({ items: 'string' }) }], ['a range of a text', { ...exec, ...param({ type: 'string', minimum: 1 }) }],
  ['a range of texts', { ...exec, ...param({ type: 'array', maximum: 1 }) }], ['no description', { ...exec, params: [{ name: 'a', type: 'string' }] }], ['no memory', { ...exec, resources: { memory_mib: 0 } }], ['a string of resources', { ...exec, resources: { disk: 1 } }], ['a text as constraint', { ...exec, resources: { gpu: true, accelerator_constrained: 'yes' } }],
];

/** What only the service checks: one value against another. */
const worse: [string, Manifest, string][] = [
  ['a default out of range', { ...exec, ...param({ default: 9, maximum: 4 }) }, 'params is wrong at [0] has a default that does not fit: it must be 4 at most'],
  ['a default of another type', { ...exec, ...param({ default: 'x' }) }, 'must be a number, not "x"'],
  ['an enum of another type', { ...exec, ...param({ enum: ['a'] }) }, 'has "a" in its enum, which is no number'],
  ['a range that is empty', { ...exec, ...param({ minimum: 2, maximum: 1 }) }, 'minimum above its maximum'],
  ['a parameter twice', { ...exec, params: [1, 2].map(() => ({ name: 'a', description: 'x', type: 'string' })) }, 'must not name a parameter twice'],
  ['a program that is no file of it', { ...exec, command: ['./other.sh'] }, "files must name 'other.sh'"],
  ['no golden vectors among the files', { ...exec, files: { 'run.sh': file } }, "files must name 'golden.json'"],
  ['a model with another digest', { ...onnx, files: { 'model.onnx': file, 'golden.json': file } }, "model.sha256 must be that of the file in 'files'"],
  ['tables of another length', { ...exec, output: { dimensions: 5, prefix_truncatable: false } }, 'quantization.int8.scale must have 5 entries, it has 32'],
];

const clean = (manifest: Manifest): Manifest => JSON.parse(JSON.stringify(manifest)) as Manifest;

describe('the published schema and the service agree', () => {
  it.each(good)('that this is a manifest: %s', (_name, manifest) => {
    expect(manifestProblems(clean(manifest))).toEqual([]);
    expect(validate(clean(manifest)), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each(bad)('that this is none: %s', (_name, manifest) => {
    expect(manifestProblems(clean(manifest))).not.toEqual([]);
    expect(validate(clean(manifest))).toBe(false);
  });
});

it.each(worse)('the service finds more: %s', (_name, manifest, problem) => {
  expect(manifestProblems(clean(manifest)).join()).toContain(problem);
});

it('gives a clear answer to what is no object at all', () => {
  for (const content of [null, [], 'x', 3]) expect(manifestProblems(content)).toEqual(['the document must be an object']);
});
