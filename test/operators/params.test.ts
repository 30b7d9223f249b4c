import { describe, expect, it } from 'vitest';
import { calledOperator, canRun, plainOperator } from '../../src/operators/called-operator.ts';
import { defaultsOf, parametersOf, parameterText } from '../../src/operators/params.ts';
import { formatReference, parseReference } from '../../src/operators/reference.ts';
import type { OperatorManifest, OperatorParameter } from '../../src/operators/operator.ts';

const params: OperatorParameter[] = [
  { name: 'gain', description: 'Factor.', type: 'number', minimum: 0, maximum: 4, default: 1 },
  { name: 'count', description: 'How many.', type: 'integer', minimum: -5, default: 3, unit: 'px' },
  { name: 'label', description: 'Any text.', type: 'string', default: '' },
  { name: 'mode', description: 'One of two.', type: 'string', enum: ['fast', 'best'], default: 'best' },
  { name: 'overwrite', description: 'A flag.', type: 'boolean', default: false },
  { name: 'bands', description: 'Texts.', type: 'array', items: 'string', default: ['B02', 'B03'] },
  { name: 'weights', description: 'Numbers.', type: 'array', items: 'number', maximum: 10, default: null },
];
const manifest = { namespace: 'e2s', name: 'spectral', version: '1.0.0', kind: 'exec', params } as unknown as OperatorManifest;
const required = { ...manifest, params: [...params, { name: 'place', description: 'Where.', type: 'string' } as const] };
const plain = plainOperator(manifest, async () => '/nowhere');
const called = (reference: string, options?: Record<string, unknown>) => calledOperator(plain, parseReference(reference), options);

describe('parameters', () => {
  it('are the defaults when nothing is given, also for null', () => {
    expect(parametersOf(manifest, {})).toEqual(defaultsOf(manifest));
    expect(parametersOf(manifest, { gain: null, label: null })).toEqual(defaultsOf(manifest));
  });

  it.each([
    [{ gain: '2' }, 'gain', 'must be a number, not "2"'],
    [{ gain: NaN }, 'gain', 'must be a number'],
    [{ gain: 4.1 }, 'gain', 'must be 4 at most, not 4.1'],
    [{ count: 1.5 }, 'count', 'must be a whole number, not 1.5 (in px)'],
    [{ count: -6 }, 'count', 'must be -5 at least'],
    [{ label: true }, 'label', 'must be a text, not true'],
    [{ label: 'a\0b' }, 'label', 'NUL'],
    [{ label: '\ud800' }, 'label', 'valid Unicode'],
    [{ label: 'x'.repeat(5000) }, 'label', '4096 characters at most'],
    [{ mode: 'worst' }, 'mode', 'must be one of "fast", "best", not "worst"'],
    [{ overwrite: 'False' }, 'overwrite', 'must be true or false, not "False"'],
    [{ overwrite: 0 }, 'overwrite', 'must be true or false'],
    [{ bands: 'B02' }, 'bands', 'must be an array'],
    [{ bands: ['B02', 3] }, 'bands', 'entry 1 must be a text, not 3'],
    [{ weights: [1, 11] }, 'weights', 'entry 1 must be 10 at most'],
    [{ patchsize: 8 }, 'patchsize', "has no such parameter; it has 'gain', 'count'"],
    [{ __proto__x: 8 }, '__proto__x', 'no such parameter'],
  ])('%j are refused, naming the parameter', (given, parameter, reason) => {
    expect(() => parametersOf(manifest, given)).toThrow(expect.objectContaining({
      code: 'ProcessParameterInvalid', status: 400, message: expect.stringMatching(new RegExp(`parameter '${parameter}'.*${reason.replace(/[()[\].]/g, '\\$&')}`)),
    }));
  });

  it('that are required are asked for, with what they mean', () => {
    expect(() => parametersOf(required, {})).toThrow("parameter 'place' in process 'compress_embed' is invalid: the operator 'spectral' requires it: Where.");
    expect(parametersOf(required, { place: '' })).toMatchObject({ place: '' });
  });

  it.each([
    ['gain', '1e-1', 0.1], ['gain', '.5', 0.5], ['count', '-1', -1], ['label', '-1', '-1'], ['label', '', ''], ['label', 'False', 'False'], ['label', '1e10', '1e10'],
    ['overwrite', 'False', false], ['overwrite', 'TRUE', true], ['bands', 'B02, B03', ['B02', 'B03']], ['bands', '["a,b"]', ['a,b']], ['bands', '', []], ['weights', '[1, 2.5]', [1, 2.5]], ['weights', '1,2', [1, 2]],
  ])('%s is read from the text %j as %j', (name, text, value) => {
    expect(parametersOf(manifest, {}, { [name]: text })[name]).toEqual(value);
  });

  it.each([
    ['gain', ''], ['gain', 'NaN'], ['gain', '0x10'], ['gain', '1 '], ['count', '1.0'], ['count', '1e3'], ['count', '99999999999999999999'],
    ['overwrite', 'yes'], ['overwrite', ''], ['overwrite', '1'], ['weights', '[1,'], ['weights', 'a'], ['weights', '{"a":1}'],
  ])('%s is not read from the text %j', (name, text) => {
    expect(() => parametersOf(manifest, {}, { [name]: text })).toThrow(expect.objectContaining({ code: 'ProcessParameterInvalid', message: expect.stringContaining(`parameter '${name}'`) }));
  });
});

describe('the operator that a reference means', () => {
  it('is the plain one when nothing differs from it, however that is written', () => {
    for (const text of ['e2s/spectral', 'bubblewrap/e2s/spectral:1', 'sandbox/e2s/spectral?gain=1.0&label=&bands=B02,B03']) expect(called(text)).toBe(plain);
    expect(called('e2s/spectral', { gain: 1, overwrite: false })).toBe(plain);
    expect(plain).toMatchObject({ runtime: 'bubblewrap', reference: expect.stringMatching(/^e2s\/spectral@sha256:[0-9a-f]{64}$/) });
  });

  it('has another digest with other parameters, and a reference that leads to it again', () => {
    const operator = called('e2s/spectral?overwrite=true', { gain: 2, bands: ['x y', '"'] });
    expect(operator.reference).toBe(`${plain.reference}?bands=%5B%22x%20y%22%2C%22%5C%22%22%5D&gain=2&overwrite=true`);
    expect(operator.digest).not.toBe(plain.digest);
    expect(called(operator.reference)).toEqual(operator);
    expect(called('e2s/spectral?gain=2').digest).not.toBe(called('e2s/spectral?gain=3').digest);
    expect(called('e2s/spectral?gain=2').digest).toBe(called('e2s/spectral', { gain: 2, label: '' }).digest);
  });

  it('has the digest of its files and parameters on every runtime', () => {
    const contained = called('slurm+podman/e2s/spectral?gain=2');
    expect(contained).toMatchObject({ runtime: 'slurm+podman', digest: called('e2s/spectral?gain=2').digest });
    expect(contained.reference).toBe(`slurm+podman/${plain.reference}?gain=2`);
  });

  it.each(['two words', 'a"b', "it's", '$(touch pwn)', '`id`', '-1', '', 'False', 'ä→\n\t\\', 'a&b=c?d#e%41'])('carries the text %j unchanged from options to reference and back', (label) => {
    const { reference, params: values } = called('e2s/spectral', { label });
    expect(values['label']).toBe(label);
    expect(called(reference).params['label']).toBe(label);
    expect(parameterText(called(reference).params['label']!)).toBe(label);
    expect(formatReference(parseReference(reference))).toBe(reference);
  });

  it('takes a parameter once', () => {
    expect(() => called('e2s/spectral?gain=2', { gain: 2 })).toThrow("'gain' in process 'compress_embed' is invalid: it is given twice");
  });

  it('runs only where its kind can', () => {
    expect(() => called('onnx/e2s/spectral')).toThrow(expect.objectContaining({ code: 'OperatorNotFound', message: expect.stringContaining("of the kind 'exec', which 'onnx' can't run") }));
    expect([canRun({ kind: 'onnx' }, 'slurm+podman'), canRun({ kind: 'exec' }, 'slurm+onnx'), canRun({ kind: 'image' }, 'proot'), canRun({ kind: 'image' }, 'pbs+docker')]).toEqual([true, false, false, true]);
  });

  it('writes every value as text that says all of it', () => {
    expect([true, false, -1, 1e21, '', null, [1, 'a b']].map((value) => parameterText(value as never))).toEqual(['true', 'false', '-1', '1e+21', '', null, '[1,"a b"]']);
  });
});
