/** How a raster goes on beyond its edges: positions outside 0…length−1 to positions inside. */
const modulo = (value: number, length: number) => ((value % length) + length) % length;

export const borders = {
  /** aaa|abc|ccc */
  replicate: (position, length) => Math.min(length - 1, Math.max(0, position)),
  /** cba|abc|cba */
  reflect: (position, length) => {
    const turn = modulo(position, 2 * length);
    return turn < length ? turn : 2 * length - 1 - turn;
  },
  /** cb|abc|ba */
  reflect_pixel: (position, length) => {
    if (length === 1) return 0;
    const turn = modulo(position, 2 * length - 2);
    return turn < length ? turn : 2 * length - 2 - turn;
  },
  /** abc|abc|abc */
  wrap: modulo,
} as const satisfies Record<string, (position: number, length: number) => number>;

export type Border = keyof typeof borders;
