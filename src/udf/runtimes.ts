/** The runtimes for functions of users. There is one: JavaScript, isolated (docs/adr/0021). */
import { OpenEOError } from '../errors.ts';
import type { UdfRequest, UdfRuntimes, UdfSandbox } from '../graph/udf.ts';
import type { SandboxLimits } from './messages.ts';
import { SandboxThread } from './sandbox-thread.ts';

/** Code beyond this is no function for pixels. */
const MAX_CODE_LENGTH = 1_000_000;

/** Threads that compute at the same time. */
const MAX_ACTIVE = 2;

/** As GET /udf_runtimes lists them (openEO API 1.3.0, `udf_runtime`). */
export const udfRuntimes = {
  JavaScript: {
    title: 'JavaScript',
    description: 'ECMAScript 2023 by QuickJS, without modules, network, files, timers and clock. Declare `function apply(data, context)`; on data cubes also `function describe(cube, context)` where the dimensions change. See docs/udf.md.',
    type: 'language',
    default: 'ES2023',
    versions: { ES2023: { libraries: {} } },
    links: [{ rel: 'about', href: 'https://bellard.org/quickjs/', type: 'text/html', title: 'QuickJS, the engine' }],
  },
} as const;

/** Opens sandboxes with the given limits. */
export function createUdfRuntimes(limits: SandboxLimits): UdfRuntimes {
  const gate = createGate(MAX_ACTIVE);
  return { open: (request) => open(request, limits, gate) };
}

function open({ runtime, version, code, context, log }: UdfRequest, limits: SandboxLimits, gate: Gate): UdfSandbox {
  const known = Object.keys(udfRuntimes).join(', ');
  if (!Object.hasOwn(udfRuntimes, runtime)) throw new OpenEOError('InvalidRuntime', {}, { detail: `There is no '${runtime}'; there are: ${known}.` });
  const { versions } = udfRuntimes[runtime as keyof typeof udfRuntimes];
  if (version !== null && !Object.hasOwn(versions, version)) throw new OpenEOError('InvalidVersion', {}, { detail: `There is no '${version}' of ${runtime}; there are: ${Object.keys(versions).join(', ')}.` });
  if (code.length > MAX_CODE_LENGTH) throw new OpenEOError('UdfFailed', { reason: `the code is longer than ${MAX_CODE_LENGTH} characters` });
  return new SandboxThread({ code, context: JSON.stringify(context ?? null), limits, log, gate });
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets so many in at a time; the others wait in the order they came. */
function createGate(room: number): Gate {
  const waiting: (() => void)[] = [];
  let active = 0;
  return async (work) => {
    if (active >= room) await new Promise<void>((resolve) => { waiting.push(resolve); });
    else active++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else active--;
    }
  };
}
