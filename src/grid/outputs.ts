/**
 * Files that tasks of a grid leave. A file is put aside first, under a name that holds the token; only when the
 * grid has taken the commit does it get its own name. So a process that comes too late never writes over a file
 * that counts, and what a process that died had committed is brought to its place by any other.
 */
import type { ObjectStore } from '../storage/object-store.ts';
import type { TaskState } from './grid.ts';
import { keyOfTask } from './task-keys.ts';

/** Where files wait for their commit. */
const ASIDE = '.lamina-grid';

export class GridOutputs {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #nameOf: (task: string) => string;

  /**
   * @param prefix keys begin with it; '' or with a slash at its end
   * @param nameOf name of the file of a task; two tasks never have the same
   */
  constructor(store: ObjectStore, prefix: string, nameOf: (task: string) => string) {
    this.#store = store;
    this.#prefix = prefix;
    this.#nameOf = nameOf;
  }

  /** Puts a local file aside. */
  async stage({ task, token }: Pick<TaskState, 'task' | 'token'>, path: string): Promise<void> {
    await this.#store.put(this.#aside(task, token), { path });
  }

  /** Gives the file its own name. Nothing happens when that was done before. */
  async publish({ task, token }: Pick<TaskState, 'task' | 'token'>): Promise<void> {
    const aside = this.#aside(task, token);
    const file = await this.#store.stream(aside);
    if (file === null) return;
    await this.#store.put(this.#prefix + this.#nameOf(task), file);
    await this.#store.delete(aside);
  }

  async discard({ task, token }: Pick<TaskState, 'task' | 'token'>): Promise<void> {
    await this.#store.delete(this.#aside(task, token));
  }

  /** After the work: publishes what is committed and still aside, and removes the rest of tasks that are done. Gives how many were published. */
  async settle(states: AsyncIterable<TaskState>): Promise<number> {
    const aside = new Set<string>();
    for await (const { key } of this.#store.list(`${this.#prefix}${ASIDE}/`)) aside.add(key);
    let published = 0;
    for await (const state of aside.size === 0 ? [] : states) {
      if (state.status !== 'done') continue;
      if (aside.has(this.#aside(state.task, state.token))) {
        await this.publish(state);
        published++;
      }
      for (const key of aside) if (key.startsWith(this.#aside(state.task, '')) && key !== this.#aside(state.task, state.token)) await this.#store.delete(key);
    }
    return published;
  }

  #aside(task: string, token: number | ''): string {
    return `${this.#prefix}${ASIDE}/${keyOfTask(task)}@${token}`;
  }
}
