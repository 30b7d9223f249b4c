/** Processes of a grid that tests start, give orders to, and kill. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Order, Setup } from './orders.ts';

const program = fileURLToPath(new URL('worker-process.ts', import.meta.url));

interface Message {
  readonly ready?: true;
  readonly begins?: string;
  readonly answer?: Answer;
  readonly error?: string;
}

export interface Member {
  readonly child: ChildProcess;
  obey(order: Order): Promise<Answer>;
  /** Resolves when the process begins its next task, with the name of the task. */
  begins(): Promise<string>;
  end(): Promise<void>;
}

export async function startMember(setup: Setup): Promise<Member> {
  const child = fork(program, [JSON.stringify(setup)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const next = <T>(pick: (message: Message) => T | undefined) => new Promise<T>((resolve, reject) => {
    const listen = (message: Message) => {
      if (message.error !== undefined) reject(new Error(message.error));
      const found = pick(message);
      if (found === undefined) return;
      child.off('message', listen);
      resolve(found);
    };
    child.on('message', listen);
  });
  await next(({ ready }) => ready);
  return {
    child,
    obey: (order) => {
      const answer = next((message) => message.answer);
      child.send(order);
      return answer;
    },
    begins: () => next((message) => message.begins),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export async function startFleet(size: number, setup: Omit<Setup, 'worker'>, skewMs: (at: number) => number = () => 0): Promise<Member[]> {
  return Promise.all(Array.from({ length: size }, (_, at) => startMember({ ...setup, worker: `worker-${at}`, skewMs: skewMs(at) })));
}

export async function endFleet(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.end()));
}
