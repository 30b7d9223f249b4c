/** Names of the SIMD instructions in use and their numbers after the prefix 0xfd (WebAssembly 2.0, appendix "Index of instructions"). */
export const simd = {
  'v128.load': 0, 'v128.load16x4_s': 3, 'v128.load16x4_u': 4, 'v128.store': 11, 'v128.const': 12, 'i8x16.shuffle': 13,
  'v128.store32_lane': 90, 'v128.store64_lane': 91, 'v128.load32_zero': 92, 'v128.load64_zero': 93,
  'i32x4.eq': 55, 'i32x4.ne': 56, 'i32x4.lt_s': 57, 'i32x4.gt_s': 59, 'i32x4.le_s': 61, 'i32x4.ge_s': 63,
  'f32x4.eq': 65, 'f32x4.ne': 66, 'f32x4.lt': 67, 'f32x4.gt': 68, 'f32x4.le': 69, 'f32x4.ge': 70,
  'f64x2.eq': 71, 'f64x2.ne': 72, 'f64x2.lt': 73, 'f64x2.gt': 74, 'f64x2.le': 75, 'f64x2.ge': 76,
  'v128.not': 77, 'v128.and': 78, 'v128.andnot': 79, 'v128.or': 80, 'v128.xor': 81, 'v128.bitselect': 82, 'v128.any_true': 83,
  'f32x4.demote_f64x2_zero': 94, 'f64x2.promote_low_f32x4': 95,
  'i8x16.narrow_i16x8_s': 101, 'i8x16.narrow_i16x8_u': 102, 'i16x8.narrow_i32x4_s': 133, 'i16x8.narrow_i32x4_u': 134,
  'f32x4.ceil': 103, 'f32x4.floor': 104, 'f32x4.trunc': 105, 'f32x4.nearest': 106,
  'f64x2.ceil': 116, 'f64x2.floor': 117, 'f64x2.trunc': 122, 'f64x2.nearest': 148,
  'i16x8.extend_low_i8x16_s': 135, 'i16x8.extend_low_i8x16_u': 137, 'i32x4.extend_low_i16x8_s': 167, 'i32x4.extend_low_i16x8_u': 169,
  'i32x4.abs': 160, 'i32x4.neg': 161, 'i32x4.shl': 171, 'i32x4.shr_u': 173, 'i32x4.add': 174, 'i32x4.sub': 177, 'i32x4.mul': 181, 'i32x4.min_s': 182, 'i32x4.max_s': 184,
  'i64x2.extend_low_i32x4_s': 199, 'i64x2.extend_high_i32x4_s': 200,
  'f32x4.abs': 224, 'f32x4.sqrt': 227, 'f32x4.add': 228, 'f32x4.sub': 229, 'f32x4.mul': 230, 'f32x4.div': 231,
  'f32x4.min': 232, 'f32x4.max': 233, 'f32x4.pmin': 234, 'f32x4.pmax': 235,
  'f64x2.abs': 236, 'f64x2.sqrt': 239, 'f64x2.add': 240, 'f64x2.sub': 241, 'f64x2.mul': 242, 'f64x2.div': 243,
  'f64x2.min': 244, 'f64x2.max': 245, 'f64x2.pmin': 246, 'f64x2.pmax': 247,
  'i32x4.trunc_sat_f64x2_s_zero': 252, 'i32x4.trunc_sat_f64x2_u_zero': 253,
  'f32x4.convert_i32x4_s': 250, 'f64x2.convert_low_i32x4_s': 254, 'f64x2.convert_low_i32x4_u': 255,
} as const;

export type SimdOp = keyof typeof simd;

/** Scalar instructions. */
export const plain = {
  loop: 0x03, end: 0x0b, br_if: 0x0d, 'local.get': 0x20, 'local.set': 0x21, 'local.tee': 0x22,
  'i32.load': 0x28, 'i32.const': 0x41, 'i32.lt_u': 0x49, 'i32.add': 0x6a, 'i32.mul': 0x6c,
  /** Between addresses of the one memory: target, source, bytes. */
  'memory.copy': [0xfc, 10, 0, 0],
} as const;

export const types = { i32: 0x7f, v128: 0x7b, func: 0x60, none: 0x40 } as const;
