/** Fills the cache with the blocks of an area. */
import { windowsOf } from '../../layers/cover.ts';
import type { Area } from './area.ts';
import type { Output } from './output.ts';

/** Reads everything once. `report` is told the share done. */
export async function warm({ cube }: Area, output: Output, report: (share: number) => Promise<void>): Promise<void> {
  const windows = [...windowsOf(cube)];
  for (const [i, window] of windows.entries()) {
    await cube.read(window, output.signal);
    await report((i + 1) / windows.length);
  }
}
