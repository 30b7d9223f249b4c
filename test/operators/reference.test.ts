import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOpenEOError } from '../../src/errors.ts';
import { formatReference, isOperatorName, parseReference, qualifiedName, runtimeNamed } from '../../src/operators/reference.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('a reference', () => {
  it.each([
    ['pca', { name: 'pca', params: {} }],
    ['pca:latest', { name: 'pca', tag: 'latest', params: {} }],
    ['pca:1', { name: 'pca', tag: '1', params: {} }],
    ['pca:1.2.3', { name: 'pca', tag: '1.2.3', params: {} }],
    ['pca:2.0.0-rc1', { name: 'pca', tag: '2.0.0-rc1', params: {} }],
    [`pca@${DIGEST}`, { name: 'pca', digest: DIGEST, params: {} }],
    ['e2s/ai-compressor:1.2', { namespace: 'e2s', name: 'ai-compressor', tag: '1.2', params: {} }],
    ['pca?', { name: 'pca', params: {} }],
    ['onnx/pca', { runtime: 'onnx', name: 'pca', params: {} }],
    ['containerless/e2s/ai-compressor:latest', { runtime: 'containerless', namespace: 'e2s', name: 'ai-compressor', tag: 'latest', params: {} }],
    ['sandbox/spectral', { runtime: 'bubblewrap', name: 'spectral', params: {} }],
    ['slurm+podman/spectral:1', { runtime: 'slurm+podman', name: 'spectral', tag: '1', params: {} }],
    ['pbs+sandbox/e2s/spectral', { runtime: 'pbs+bubblewrap', namespace: 'e2s', name: 'spectral', params: {} }],
    ['docker.io/claimed/ai-compressor:0.3', { runtime: 'podman', host: 'docker.io', namespace: 'claimed', name: 'ai-compressor', tag: '0.3', params: {} }],
    ['localhost:5000/spectral', { runtime: 'podman', host: 'localhost:5000', name: 'spectral', params: {} }],
    ['docker://e2s/spectral', { runtime: 'docker', namespace: 'e2s', name: 'spectral', params: {} }],
    [`podman/spectral@${DIGEST}?gain=2`, { runtime: 'podman', name: 'spectral', digest: DIGEST, params: { gain: '2' } }],
    ['s?a=&b=two%20words&c=1+1&d=a=b&e=%26%3F', { name: 's', params: { a: '', b: 'two words', c: '1+1', d: 'a=b', e: '&?' } }],
  ])('%s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each(['pca', 'pca:1.2', `slurm+podman/e2s/spectral@${DIGEST}?bands=%5B%22B02%22%5D&gain=2`, 'docker.io/claimed/ai-compressor:0.3'])('%s is written as it was read', (text) => {
    expect(formatReference(parseReference(text))).toBe(text);
  });

  it('is one text for equal references, whatever the order of its parameters and the word for its runtime', () => {
    const written = formatReference(parseReference('sandbox/s?b=2&a=%31'));
    expect(written).toBe('bubblewrap/s?a=1&b=2');
    expect(formatReference(parseReference(written))).toBe(written);
  });

  it.each(['two words', '"quoted"', "it's", '$(touch pwn)', '-1', '', 'False', 'a&b=c?d#e%f', 'ä\n\t', '../..', '["x",1]'])('carries the value %j unchanged', (value) => {
    const text = formatReference({ name: 's', tag: '1', params: { value } });
    expect(parseReference(text).params).toEqual({ value });
    expect(text).toMatch(/^[\x21-\x7e]+$/);
  });

  it.each([
    ['', "'' is no name of an operator"],
    ['PCA', "'PCA' is no name of an operator"],
    ['pca:', "'' is no version or tag"],
    ['pca:1:2', "'1:2' is no version or tag"],
    ['pca:../x', "'pca:..' is no namespace"],
    ['pca@sha256:12', "after '@' stands 'sha256:'"],
    [`pca:1@${DIGEST}`, 'is no version or tag'],
    ['kubernetes/e2s/pca', "'kubernetes' is no runtime; there are onnx, containerless, bubblewrap"],
    ['slurm/e2s/pca', "'slurm' is no runtime"],
    ['slurm+pbs+onnx/pca', "'slurm+pbs+onnx' is no runtime"],
    ['sge+onnx/pca', "'sge+onnx' is no runtime"],
    ['onnx/podman/pca', "'podman' is a runtime and can't be a namespace"],
    ['onnx/a/b/pca', 'at most one namespace'],
    ['onnx/../pca', "'..' is no namespace"],
    ['pca?gain', "'gain' is no parameter: write 'name=value'"],
    ['pca?1x=2', "'1x=2' is no parameter"],
    ['pca?gain=1&gain=2', "'gain' stands there twice"],
    ['pca?gain=%zz', "'%' that begins no escape"],
  ])('%s is refused, naming the part', (text, reason) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'OperatorNotFound', message: expect.stringContaining(reason) }));
  });

  it('has a largest length, and a message that is shorter', () => {
    const refuse = () => parseReference(`pca?x=${'a'.repeat(9000)}`);
    expect(refuse).toThrow('8192 is the most');
    expect(refuse).toThrow(/^.{0,500}$/);
  });

  it('names operators with and without namespace', () => {
    expect([qualifiedName({ name: 'pca' }), qualifiedName({ namespace: 'e2s', name: 'pca' })]).toEqual(['pca', 'e2s/pca']);
    expect(['pca', 'e2s', 'podman', 'Pca', 'slurm+onnx', 'constructor'].map(isOperatorName)).toEqual([true, true, false, false, false, true]);
    expect(['sandbox', 'slurm+sandbox', 'constructor', 'slurm', 'slurm+slurm'].map(runtimeNamed)).toEqual(['bubblewrap', 'slurm+bubblewrap', null, null, null]);
  });

  it('is read or refused, whatever it is, and written once is written so again', () => {
    const parts = fc.array(fc.oneof(fc.constantFrom('pca', 'onnx', 'sandbox', 'slurm+', '/', ':', '@', '?', '=', '&', '%', 'sha256:', DIGEST, 'docker.io', '1.2', '..', '+'), fc.string({ maxLength: 5 })), { maxLength: 8 });
    fc.assert(fc.property(parts.map((list) => list.join('')), (text) => {
      try {
        const written = formatReference(parseReference(text));
        expect(formatReference(parseReference(written))).toBe(written);
      } catch (error) {
        expect(isOpenEOError(error, 'OperatorNotFound'), String(error)).toBe(true);
      }
    }), { numRuns: 2000 });
  });

  it('carries any text as the value of a parameter', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (value) => {
      expect(parseReference(formatReference({ name: 's', params: { value } })).params).toEqual({ value });
    }));
  });
});
