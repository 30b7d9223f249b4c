/**
 * Processor time of a worker, divided between the tasks that it runs: at every moment they share evenly what
 * the process uses, whatever thread it is used in. The shares of all tasks add up to what was really used.
 */
export interface CpuShare {
  /** Seconds so far, or until it ended. */
  seconds(): number;
  /** Ends the share; gives its seconds. */
  leave(): number;
}

export class CpuShares {
  readonly #used: () => number;
  readonly #open = new Map<CpuShare, number>();
  #last: number;

  /** @param used seconds of processor time of this process, and of what it has others do */
  constructor(used: () => number = ownSeconds) {
    this.#used = used;
    this.#last = used();
  }

  /** Begins a share for a task. */
  enter(): CpuShare {
    this.#divide();
    let last = 0;
    const share: CpuShare = {
      seconds: () => {
        this.#divide();
        return (last = this.#open.get(share) ?? last);
      },
      leave: () => {
        share.seconds();
        this.#open.delete(share);
        return last;
      },
    };
    this.#open.set(share, 0);
    return share;
  }

  #divide(): void {
    const now = this.#used();
    const part = (now - this.#last) / Math.max(1, this.#open.size);
    this.#last = now;
    for (const [share, seconds] of this.#open) this.#open.set(share, seconds + part);
  }
}

/** Processor time of this process, in seconds. */
export function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
