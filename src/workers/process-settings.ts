/** How the process of a worker is started, where that can't be set from inside (docs/performance.md has the figures). */

/**
 * The part of the heap where objects begin is kept small. Pixels lie outside of the heap and are given free with the
 * small objects that name them: the sooner those are looked at, the fewer pixels wait that nobody wants any more.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=2'];

/**
 * How GNU's allocator is to treat pixels, its largest pieces by far (glibc manual, "Memory Allocation Tunables"):
 * - pages of 2 MiB: most of the time of a warm read went into taking them page by page, 4 KiB at a time;
 * - pieces above 4 MiB, and free memory at the end, go back to the system at once. By itself it raises the first limit
 *   to the largest piece that was ever freed, and then keeps holes of that size;
 * - one arena: the threads that inflate would each have one, with holes of its own.
 */
const ALLOCATION = ['hugetlb=1', 'mmap_threshold=4194304', 'trim_threshold=131072', 'arena_max=1'];

/** The environment for a worker. What is set already stays; other allocators ignore it. */
export function withAllocation(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES: ALLOCATION.map((tunable) => `glibc.malloc.${tunable}`).join(':'), ...environment };
}
