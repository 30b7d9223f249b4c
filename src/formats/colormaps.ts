/** Colours for a single band. The names are matplotlib's; each map is equally spaced colours of it, and straight lines between. */

const maps = {
  gray: '000000 ffffff',
  viridis: '440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725',
  magma: '000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf',
  inferno: '000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4',
} as const;

export type ColormapName = keyof typeof maps;

export const colormapNames = Object.keys(maps) as readonly ColormapName[];

export function isColormap(name: string): name is ColormapName {
  return Object.hasOwn(maps, name);
}

/** 256 colours from low to high, each as red, green and blue of 0 to 255. */
export function colormap(name: ColormapName): (readonly [red: number, green: number, blue: number])[] {
  const stops = maps[name].split(' ').map((hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const stop = Math.min(stops.length - 2, Math.floor(place));
    return stops[stop]!.map((value, channel) => Math.round(value + (stops[stop + 1]![channel]! - value) * (place - stop))) as [number, number, number];
  });
}
