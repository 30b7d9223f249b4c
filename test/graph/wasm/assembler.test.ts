import { describe, expect, it } from 'vitest';
import { encodeModule, signed, unsigned } from '../../../src/graph/wasm/binary.ts';
import { Scratch } from '../../../src/graph/wasm/engine.ts';
import { plain, types } from '../../../src/graph/wasm/opcodes.ts';
import { TooLong, VectorCode } from '../../../src/graph/wasm/vector-code.ts';

const floats = (...values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe('LEB128', () => {
  it('writes unsigned numbers as the specification shows', () => {
    expect(unsigned(0)).toEqual([0]);
    expect(unsigned(127)).toEqual([0x7f]);
    expect(unsigned(128)).toEqual([0x80, 0x01]);
    expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(unsigned(4294967295)).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f]);
  });

  it('writes signed numbers, whose last sixth bit is the sign', () => {
    expect(signed(0)).toEqual([0]);
    expect(signed(63)).toEqual([0x3f]);
    expect(signed(64)).toEqual([0xc0, 0x00]);
    expect(signed(-1)).toEqual([0x7f]);
    expect(signed(-64)).toEqual([0x40]);
    expect(signed(-65)).toEqual([0xbf, 0x7f]);
    expect(signed(-123456)).toEqual([0xc0, 0xbb, 0x78]);
    expect(signed(-2147483648)).toEqual([0x80, 0x80, 0x80, 0x80, 0x78]);
  });
});

describe('module', () => {
  it('is one that the engine takes and runs', () => {
    const twice = encodeModule({ locals: [], code: [plain['local.get'], 0, plain['local.get'], 0, plain['i32.add'], plain.end] }, 1);
    expect(new Scratch(1).load(twice)(21)).toBe(42);
  });

  it('has room for bodies and locals of any number', () => {
    const many = Array.from({ length: 40_000 }, () => [plain['i32.const'], 0, plain['i32.add']]).flat();
    const module = encodeModule({ locals: [[300, types.v128]], code: [plain['local.get'], 0, ...many, plain.end] }, 1);
    expect(new Scratch(1).load(module)(7)).toBe(7);
  });
});

describe('vector code', () => {
  it('adds two rows in steps of four cells', () => {
    const code = new VectorCode();
    const sum = code.op('f32x4.add', [code.load('v128.load', { offset: 0, size: 4 }), code.load('v128.load', { offset: 64, size: 4 })]);
    code.store('v128.store', { offset: 128, size: 4 }, sum);
    const scratch = new Scratch(1);
    scratch.bytes.set(floats(...Array.from({ length: 16 }, (_, i) => i)), 0);
    scratch.bytes.set(floats(...Array.from({ length: 16 }, () => 100)), 64);
    expect(scratch.load(code.encode(1))(9)).toBe(0);
    // Nine cells are three steps: twelve are written, the rest stays.
    expect([...new Float32Array(scratch.bytes.buffer, 128, 16)]).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 0, 0, 0, 0]);
  });

  it('has positions in bytes of every size, lanes and looking ahead', () => {
    const code = new VectorCode();
    const bytes = code.load('v128.load32_zero', { offset: 0, size: 1 });
    const wide = code.op('i32x4.extend_low_i16x8_u', [code.op('i16x8.extend_low_i8x16_u', [bytes])]);
    const [low, high] = [code.op('f64x2.convert_low_i32x4_s', [wide]), code.op('f64x2.convert_low_i32x4_s', [code.op('i8x16.shuffle', [wide, wide], [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15])])];
    code.store('v128.store', { offset: 64, size: 8 }, low);
    code.store('v128.store', { offset: 64, size: 8 }, high, { ahead: 16 });
    code.store('v128.store64_lane', { offset: 256, size: 2 }, code.op('i16x8.narrow_i32x4_u', [wide, wide]), { lane: 0 });
    const scratch = new Scratch(1);
    scratch.bytes.set([3, 1, 4, 1, 255, 9, 2, 6]);
    scratch.load(code.encode(1))(8);
    expect([...new Float64Array(scratch.bytes.buffer, 64, 8)]).toEqual([3, 1, 4, 1, 255, 9, 2, 6]);
    expect([...new Uint16Array(scratch.bytes.buffer, 256, 8)]).toEqual([3, 1, 4, 1, 255, 9, 2, 6]);
  });

  it('gives locals away when their last reader is written, and keeps those of constants and alarms', () => {
    const code = new VectorCode();
    const one = code.constant(floats(1, 1, 1, 1));
    let sum = code.load('v128.load', { offset: 0, size: 4 });
    const alarm = code.op('f32x4.gt', [sum, code.constant(floats(5, 5, 5, 5))]);
    for (let i = 0; i < 500; i++) sum = code.op('f32x4.add', [sum, one]);
    code.store('v128.store', { offset: 16, size: 4 }, sum);
    code.alarm(alarm);
    const module = code.encode(1);
    const scratch = new Scratch(1);
    scratch.bytes.set(floats(1, 2, 3, 4));
    expect(scratch.load(module)(4)).toBe(0);
    expect([...new Float32Array(scratch.bytes.buffer, 16, 4)]).toEqual([501, 502, 503, 504]);
    scratch.bytes.set(floats(1, 2, 6, 4));
    expect(scratch.load(module)(4)).toBe(1);
    // An addition is ten bytes: names of locals stay below 128.
    expect(module.length).toBeLessThan(500 * 10 + 300);
  });

  it('refuses bodies that grow without end', () => {
    const code = new VectorCode();
    const one = code.constant(floats(1, 1, 1, 1));
    expect(() => { for (;;) code.op('f32x4.add', [one, one]); }).toThrow(TooLong);
  });
});

describe('scratch memory', () => {
  it('never grows and compiles equal modules once', () => {
    const scratch = new Scratch(2);
    const module = () => encodeModule({ locals: [], code: [plain['local.get'], 0, plain.end] }, 2);
    expect(scratch.load(module())).toBe(scratch.load(module()));
    expect(scratch.bytes.length).toBe(2 << 16);
    expect(() => new Scratch(1).load(module())).toThrow();
  });
});
