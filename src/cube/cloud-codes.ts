/** What the codes of a scene classification or quality band say about clouds. */

/** The bands of a cloud mask, in openEO's words and order. */
export const disturbances = ['cloud', 'shadow', 'aerosol', 'haze', 'ozone', 'water_vapor'] as const;

export type Disturbance = (typeof disturbances)[number];

/** A probability for a code, or for some of its bits; a code that no rule mentions means 0. */
export interface CodeRule {
  /** First bit, 0 is the lowest; absent: the whole code. */
  readonly offset?: number;
  /** Number of bits from there on, 1 when absent. */
  readonly length?: number;
  /** Code (or value of the bits) → probability between 0 and 1. */
  readonly values?: Readonly<Record<string, number>>;
  /** For codes that are probabilities: probability = code × scale. */
  readonly scale?: number;
}

export interface CloudCodes {
  /** openEO's name of the method that made the band: Fmask, s2cloudless or Sen2Cor. */
  readonly method: string;
  /** Of several rules the highest probability counts. */
  readonly rules: Readonly<Partial<Record<Disturbance, readonly CodeRule[]>>>;
  /** Codes that say nothing, e.g. of pixels without data: those with a value above 0. */
  readonly unknown?: readonly CodeRule[];
}

/** The highest probability that the rules give for a code. */
export function probabilityOf(code: number, rules: readonly CodeRule[]): number {
  let highest = 0;
  for (const { offset, length = 1, values, scale } of rules) {
    const part = offset === undefined ? code : Math.floor(code / 2 ** offset) % 2 ** length;
    const probability = scale === undefined ? values?.[part] ?? 0 : Math.min(1, part * scale);
    if (probability > highest) highest = probability;
  }
  return highest;
}
