/** Which pages the memory of a worker is made of. */

/**
 * The environment for a worker process: GNU's allocator then asks the kernel for pages of 2 MiB where it takes large
 * pieces. Pixels are such pieces, and most of the time of a warm read went into taking them page by page, 4 KiB at a
 * time (docs/performance.md). It can't be set from inside; what is set already stays. Other allocators ignore it.
 * Source: glibc manual, "Memory Allocation Tunables", glibc.malloc.hugetlb = 1 (madvise).
 */
export function withHugePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', ...environment };
}
