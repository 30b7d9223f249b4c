/** Category math > trigonometric. Angles are radians. */
import type { Implementation } from '../graph/process.ts';
import { numeric } from './elementwise.ts';

export const trigonometry: Record<string, Implementation> = {
  arccos: numeric(['x'], Math.acos),
  arcosh: numeric(['x'], Math.acosh),
  arcsin: numeric(['x'], Math.asin),
  arctan: numeric(['x'], Math.atan),
  arctan2: numeric(['y', 'x'], Math.atan2),
  arsinh: numeric(['x'], Math.asinh),
  artanh: numeric(['x'], Math.atanh),
  cos: numeric(['x'], Math.cos),
  cosh: numeric(['x'], Math.cosh),
  sin: numeric(['x'], Math.sin),
  sinh: numeric(['x'], Math.sinh),
  tan: numeric(['x'], Math.tan),
  tanh: numeric(['x'], Math.tanh),
};
