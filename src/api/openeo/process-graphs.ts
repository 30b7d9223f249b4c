/** User-defined processes: list, store, describe, delete, and show to others what is shared. */
import type { Request, Response } from 'express';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { StoredProcess } from '../../user-processes/store.ts';
import { nextPage, pageOf } from '../http/page.ts';
import { checkProcess } from './definition.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';
import { linked } from './linked.ts';
import { readStored } from './process-graphs-body.ts';

/** Left out of lists: they can be large, and GET /process_graphs/{process_graph_id} has them. */
const details = ['process_graph', 'exceptions', 'examples', 'links'];

/** GET /process_graphs: those of the user, by their ids. */
export async function listProcessGraphs({ userProcesses, userId, url }: Context, request: Request, response: Response): Promise<void> {
  const asked = pageOf(request);
  const page = await userProcesses.list(userId, asked);
  response.json({
    processes: page.processes.map(({ definition }) => Object.fromEntries(Object.entries(definition).filter(([name]) => !details.includes(name)))),
    links: nextPage(`${url(request)}/process_graphs`, asked, page.next),
  });
}

/** GET /process_graphs/{process_graph_id}. */
export async function describeProcessGraph(context: Context, request: Request, response: Response): Promise<void> {
  const stored = await context.userProcesses.get(context.userId, pathVariable(request, 'process_graph_id'));
  response.json(describe(stored, `${context.url(request)}/processes/@${encodeURIComponent(context.userId)}`));
}

/**
 * PUT /process_graphs/{process_graph_id}: stores a process that is valid and calls itself in no way, in
 * place of an earlier one. `public` (an addition to the standard that clients know) shares it.
 */
export async function storeProcessGraph(context: Context, request: Request, response: Response): Promise<void> {
  const { registry, userProcesses, definitions, userId } = context;
  const id = pathVariable(request, 'process_graph_id');
  if (!/^\w{1,200}$/.test(id)) throw invalidArgument('PUT /process_graphs/{process_graph_id}', 'process_graph_id', 'it must be made of up to 200 letters, digits and underscores (A–Z, a–z, 0–9, _)');
  if (registry.has(id)) throw new OpenEOError('PredefinedProcessExists', {}, { detail: `'${id}' is taken; choose another id.` });
  const stored = readStored(id, request.body as Readonly<Record<string, unknown>>);
  // What calls this process must be checked with it as it is going to be.
  const asIfStored = { ...definitions, ofUser: async (user: string, ids: readonly string[], onlyPublic: boolean) => {
    const found = new Map(await definitions.ofUser(user, ids, onlyPublic));
    if (user === userId && ids.includes(id)) found.set(id, stored.definition);
    return found;
  } };
  checkProcess(stored.definition, await linked({ ...context, definitions: asIfStored }, stored.definition));
  await userProcesses.put(userId, stored);
  response.status(200).end();
}

/** DELETE /process_graphs/{process_graph_id}. Jobs and processes that use it are left as they are. */
export async function deleteProcessGraph({ userProcesses, userId }: Context, request: Request, response: Response): Promise<void> {
  await userProcesses.delete(userId, pathVariable(request, 'process_graph_id'));
  response.status(204).end();
}

/**
 * GET /processes/{namespace}/{process_id}: a predefined process (namespace 'backend'), or one that the user of
 * the namespace ('@ann') shares, for everybody. The URL of the latter can be the `namespace` of a node, here
 * and elsewhere.
 */
export async function describeShared({ registry, userProcesses, url }: Context, request: Request, response: Response): Promise<void> {
  const namespace = pathVariable(request, 'namespace');
  const id = pathVariable(request, 'process_id');
  const predefined = namespace === 'backend' ? registry.get(id) : undefined;
  if (predefined) return void response.json(predefined.description);
  const stored = namespace.startsWith('@') ? await userProcesses.find(namespace.slice(1), id) : null;
  if (!stored?.isPublic) throw new OpenEOError('ProcessUnsupported', { process: id.slice(0, 200), namespace: namespace.slice(0, 200) });
  response.json(describe(stored, `${url(request)}/processes/${encodeURIComponent(namespace).replace('%40', '@')}`));
}

function describe({ definition, isPublic }: StoredProcess, sharedUrl: string): Record<string, unknown> {
  const links = Array.isArray(definition['links']) ? definition['links'] as unknown[] : [];
  const shared = { rel: 'canonical', href: `${sharedUrl}/${definition.id}`, type: 'application/json', title: 'For everybody' };
  return { ...definition, public: isPublic, links: isPublic ? [...links, shared] : links };
}
