/** Looks after a run: how much it uses, and which limit it has passed. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndReason, Limits } from './program.ts';
import type { ProcessTree } from './process-tree.ts';

/** Short enough that a program can't take much more memory than it may. */
const EVERY_MS = 50;
/** Files are counted less often: that takes longer. */
const NAMELESS_EVERY = 3;
const DISK_EVERY = 10;

export interface Seen {
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
}

/** Begins to watch; `onPassed` is called once, with the limit. The function it gives ends the watch and says what was seen. */
export function watchRun(tree: ProcessTree, work: string, limits: Limits, onPassed: (limit: EndReason) => void): () => Seen {
  let seen: Seen = { cpuSeconds: 0, peakMemoryBytes: 0 };
  let looks = 0;
  let nameless = { memoryBytes: 0, diskBytes: 0 };
  let isOver = false;
  const pass = (limit: EndReason) => {
    if (isOver) return;
    stop();
    onPassed(limit);
  };
  const look = () => {
    const { processes, cpuSeconds, memoryBytes } = tree.use();
    if (++looks % NAMELESS_EVERY === 0) nameless = tree.nameless();
    const memory = memoryBytes + nameless.memoryBytes;
    seen = { cpuSeconds: Math.max(seen.cpuSeconds, cpuSeconds), peakMemoryBytes: Math.max(seen.peakMemoryBytes, memory) };
    if (memory > limits.memoryBytes) pass('memory');
    else if (processes > limits.processes) pass('processes');
    else if (looks % DISK_EVERY === 0) void sizeOf(work).then((bytes) => void (bytes + nameless.diskBytes > limits.diskBytes && pass('disk')));
  };
  const deadline = setTimeout(() => pass('time'), limits.seconds * 1000);
  const timer = setInterval(look, EVERY_MS);
  const stop = () => {
    isOver = true;
    clearTimeout(deadline);
    clearInterval(timer);
  };
  return () => {
    stop();
    return seen;
  };
}

/** Bytes in the files below a folder. Links are not followed; what vanishes meanwhile counts nothing. */
export async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sizeOf(path);
    // Blocks and not length: a sparse file takes no room.
    return lstat(path).then((stat) => stat.blocks * 512, () => 0);
  }));
  return sizes.reduce((sum, size) => sum + size, 0);
}
