/** Intervals of time as collections have them: RFC 3339 texts, the first and the last. */
import type { StacItem } from './types.ts';

/** null: an open end. */
export type Interval = readonly [string | null, string | null];

/** The time that an item covers. */
export function intervalOfItem({ properties }: StacItem): readonly [string, string] {
  const end = (name: 'start_datetime' | 'end_datetime') => (properties[name] as string | undefined) ?? properties.datetime!;
  return [end('start_datetime'), end('end_datetime')];
}

/** The shortest interval that holds both. An open end stays open; of two texts for one instant the known one stays. */
export function unionInterval<T extends string | null>(known: readonly [T, T] | null | undefined, more: readonly [T, T]): readonly [T, T] {
  if (!known) return more;
  const pick = (end: 0 | 1, isFurther: (a: number, b: number) => boolean): T => {
    const [old, other] = [known[end], more[end]];
    return (old === null || other === null ? null : isFurther(Date.parse(other), Date.parse(old)) ? other : old) as T;
  };
  return [pick(0, (a, b) => a < b), pick(1, (a, b) => a > b)];
}
