/** How the process of a worker is started, where that can't be set from inside (docs/performance.md has the figures). */

/**
 * The part of the heap where objects begin is kept small. Pixels lie outside of the heap and are given free with the
 * small objects that name them: the sooner those are looked at, the fewer pixels wait that nobody wants any more.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=2'];

/**
 * The environment for a worker: GNU's allocator then asks the kernel for pages of 2 MiB where it takes large pieces.
 * Pixels are such pieces, and most of the time of a warm read went into taking them page by page, 4 KiB at a time.
 * What is set already stays; other allocators ignore it.
 * Source: glibc manual, "Memory Allocation Tunables", glibc.malloc.hugetlb = 1 (madvise).
 */
export function withHugePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', ...environment };
}
