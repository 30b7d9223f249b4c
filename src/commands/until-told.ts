/** How commands of the terminal end early: on Ctrl-C and on SIGTERM. */

/**
 * A signal that is aborted, with `reason` as its message, when the process is told to end; told a second time, the process ends at
 * once. `end` stops listening.
 */
export function untilTold(reason: string): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const stop = () => {
    end();
    controller.abort(new Error(reason));
  };
  // With nobody listening, the next signal does what it does to any program.
  const end = () => names.forEach((name) => process.off(name, stop));
  for (const name of names) process.on(name, stop);
  return { signal: controller.signal, end };
}
