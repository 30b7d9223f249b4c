/** The examples in the process descriptions are true: the implementation gives what they say. */
import { describe, expect, it } from 'vitest';

import { evaluate } from '../../src/graph/evaluate.ts';
import type { Scope } from '../../src/graph/scope.ts';
import { silentLog } from '../../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../src/processes/index.ts';

const descriptions = await loadDescriptions(new URL('../../processes/', import.meta.url));
const registry = createRegistry(descriptions, allProcesses);

const refuse = () => Promise.reject(new Error('an example on numbers and texts asks the outside world for nothing'));
const scope: Scope = { signal: new AbortController().signal, log: silentLog, loadCollection: refuse, loadStac: refuse, loadUrl: refuse, embed: refuse, view: refuse, saveResult: refuse, exportCollection: refuse, loadFiles: refuse, modifyStac: refuse, exportWorkspace: refuse };

interface Example {
  readonly arguments: Record<string, unknown>;
  readonly returns?: unknown;
}

const examples = [...descriptions.values()].flatMap(({ id, examples: list = [] }) =>
  (list as Example[]).filter((example) => 'returns' in example).map((example) => ({ id, ...example, text: JSON.stringify(example.arguments) })));

it('has an example for most processes on values', () => {
  expect(new Set(examples.map(({ id }) => id)).size).toBeGreaterThan(80);
});

describe.each(examples)('$id($text)', ({ id, arguments: given, returns }) => {
  it('gives what its example says', async () => {
    const value = await evaluate({ process_graph: { call: { process_id: id, arguments: given, result: true } } }, registry, scope);
    const plain: unknown = JSON.parse(JSON.stringify(value));
    if (typeof returns === 'number') expect(plain).toBeCloseTo(returns, 12);
    else expect(plain).toEqual(returns);
  });
});
