import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy, largestNpy } from '../../src/operators/npy.ts';

const values = Float32Array.of(1.5, -2, 0, 1e30, Number.NaN, Infinity);

describe('.npy files', () => {
  it.each([[[6]], [[1, 2, 3]], [[2, 1, 1, 3]]])('hold arrays of the shape %j', (shape) => {
    const bytes = encodeNpy(shape, values);
    expect(decodeNpy(bytes)).toEqual({ shape, data: values });
    expect(bytes.length).toBeLessThanOrEqual(largestNpy(shape));
    expect((bytes.length - values.byteLength) % 64).toBe(0);
  });

  const numpy = spawnSync('/usr/bin/python3', ['-c', 'import numpy']).status === 0;
  if (!numpy) it.skip('skipped: there is no numpy', () => {});
  it.runIf(numpy)('are those of numpy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamina-npy-'));
    writeFileSync(join(folder, 'ours.npy'), encodeNpy([1, 2, 3], values));
    const script = `import numpy as np, sys; a = np.load('ours.npy'); assert a.shape == (1, 2, 3) and a.dtype == '<f4'; np.save('theirs.npy', a[:, ::-1])
np.save('double.npy', a.astype('f8')); np.save('fortran.npy', np.asfortranarray(a[0])); np.save('scalar.npy', np.float32(3)); np.lib.format.write_array(open('second.npy', 'wb'), a, version=(2, 0))`;
    expect(spawnSync('/usr/bin/python3', ['-c', script], { cwd: folder, encoding: 'utf8' }).stderr).toBe('');
    const read = (name: string) => decodeNpy(readFileSync(join(folder, name)));
    expect(read('theirs.npy')).toEqual({ shape: [1, 2, 3], data: Float32Array.of(1e30, Number.NaN, Infinity, 1.5, -2, 0) });
    expect(read('second.npy')).toEqual({ shape: [1, 2, 3], data: values });
    expect(read('scalar.npy')).toEqual({ shape: [], data: Float32Array.of(3) });
    expect(() => read('double.npy')).toThrow("its values are '<f8' and not float32");
    expect(() => read('fortran.npy')).toThrow('Fortran order');
  });

  it.each<[string, (bytes: Buffer) => Uint8Array, string]>([
    ['nothing', () => new Uint8Array(0), 'no .npy file'],
    ['something else', () => Buffer.from('PNG and so on, long enough'), 'no .npy file'],
    ['half a header', (bytes) => bytes.subarray(0, 40), 'its header is cut off'],
    ['too few values', (bytes) => bytes.subarray(0, -4), 'takes 24 bytes and 20 follow'],
    ['too many values', (bytes) => Buffer.concat([bytes, Buffer.alloc(8)]), 'takes 24 bytes and 32 follow'],
    ['a shape that lies', (bytes) => Buffer.from(bytes.toString('latin1').replace('(1, 2, 3)', '(9, 9, 9)'), 'latin1'), 'takes 2916 bytes and 24 follow'],
    ['no shape', (bytes) => Buffer.from(bytes.toString('latin1').replace('shape', 'shaqe'), 'latin1'), 'names no shape'],
  ])('are refused with %s', (_, damage, message) => {
    expect(() => decodeNpy(damage(Buffer.from(encodeNpy([1, 2, 3], values))))).toThrow(message);
  });
});
