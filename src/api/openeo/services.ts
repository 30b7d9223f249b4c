/** Secondary web services: publish, list, describe, change and delete processes that are maps. */
import { isDeepStrictEqual } from 'node:util';
import type { Request, Response } from 'express';
import { invalidArgument, isOpenEOError, OpenEOError } from '../../errors.ts';
import type { LogEntry } from '../../log.ts';
import { readConfiguration } from '../../services/configuration.ts';
import { serviceTypes, typeNamed, type Service, type ServiceDefinition, type ServiceType, type ShownRange } from '../../services/service.ts';
import type { ServiceChange } from '../../services/store.ts';
import { nextPage, pageOf } from '../http/page.ts';
import { checkProcess, checkProperties, withPlan } from './definition.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';
import { linked } from './linked.ts';
import { describe, summary } from './service-document.ts';
import { processParameterNames } from './service-types.ts';
import type { ServiceParts } from '../dependencies.ts';

type Fields = Readonly<Record<string, unknown>>;

/** POST /services. The process is looked at before: what ends in no map is refused. */
export async function createService(context: Context, request: Request, response: Response): Promise<void> {
  const { userId, url } = context;
  const { store, limit } = partsOf(context);
  const { type: wanted, enabled = true, ...given } = withoutNulls(request.body as Fields);
  const type = readType(wanted);
  const definition = withPlan(await checkService('POST /services', given, context), context);
  checkFlag('POST /services', enabled);
  const { range, doubt } = await tryMap(context, definition);
  const service = await store.create(userId, { type, definition, enabled: enabled as boolean, range }, limit);
  await note(context, service, 'info', `The ${type} service was created${service.enabled ? '' : ', disabled'}.`);
  if (doubt !== null) await note(context, service, 'warning', doubt);
  response.status(201).set({ Location: `${url(request)}/services/${service.id}`, 'OpenEO-Identifier': service.id }).end();
}

/** GET /services: newest first, without the processes. */
export async function listServices(context: Context, request: Request, response: Response): Promise<void> {
  const { userId, url } = context;
  const asked = pageOf(request);
  const page = await partsOf(context).store.list(userId, asked);
  response.json({ services: page.services.map((service) => summary(service, context.baseUrl(request), context.billing)), links: nextPage(`${url(request)}/services`, asked, page.next) });
}

/** What the process makes is left out of the description when it is not known by then. */
const DESCRIBED_WITHIN_MS = 3000;

/** GET /services/{service_id}. */
export async function describeService(context: Context, request: Request, response: Response): Promise<void> {
  const { store, maps } = partsOf(context);
  const service = await store.get(context.userId, pathVariable(request, 'service_id'));
  // A service stays describable whatever became of the data that it shows.
  const facts = await maps.facts(service, { waitMs: DESCRIBED_WITHIN_MS }).catch((error: unknown) => {
    if (isOpenEOError(error)) return null;
    throw error;
  });
  response.json(describe(service, facts, { base: context.baseUrl(request), api: context.url(request), billing: context.billing }));
}

const readOnly = ['id', 'type', 'attributes', 'created', 'costs', 'usage', 'links'];

/** PATCH /services/{service_id}: replaces the given properties; null takes one away, also the URL, which gets a new key then. */
export async function updateService(context: Context, request: Request, response: Response): Promise<void> {
  const { store } = partsOf(context);
  const id = pathVariable(request, 'service_id');
  const before = await store.get(context.userId, id);
  const change = request.body as Fields;
  if (Object.keys(change).length === 0) throw new OpenEOError('NoDataForUpdate', {});
  const fixed = readOnly.find((name) => Object.hasOwn(change, name));
  if (fixed !== undefined) throw new OpenEOError('PropertyNotEditable', { property: fixed });
  if (Object.hasOwn(change, 'url') && change['url'] !== null) throw new OpenEOError('PropertyNotEditable', { property: 'url' }, { detail: 'null makes a new one.' });
  checkFlag('PATCH /services/{service_id}', change['enabled'] ?? true);
  const planned = changed(before, change, context);
  await checkService('PATCH /services/{service_id}', planned.definition, context);
  const tried = planned.isRedrawn ? await tryMap(context, planned.definition) : { range: before.range, doubt: null };
  const { doubt } = tried;
  const service = await store.update(context.userId, id, (now) => ({ ...changed(now, change, context), range: tried.range }));
  await note(context, service, 'info', `${Object.keys(change).map((name) => `\`${name}\``).join(', ')} changed.`);
  if (doubt !== null) await note(context, service, 'warning', doubt);
  response.status(204).end();
}

/** DELETE /services/{service_id}, with its log and its tiles. */
export async function deleteService(context: Context, request: Request, response: Response): Promise<void> {
  const id = pathVariable(request, 'service_id');
  await partsOf(context).store.delete(context.userId, id);
  // Nobody can reach the tiles any more: deleting them needs nobody to wait.
  void partsOf(context).forgetTiles(id).catch((error: unknown) => context.log.warning(`Tiles of service ${id} could not be deleted: ${(error as Error).message}`));
  response.status(204).end();
}

function changed({ definition, enabled }: Service, { enabled: flag, ...change }: Fields, context: Context): Omit<ServiceChange, 'range'> {
  const merged = withoutNulls({ ...definition, ...change }) as ServiceDefinition;
  const after = Object.hasOwn(change, 'plan') ? withPlan(merged, context) : merged;
  const picture = (configuration: Fields = {}) => ({ ...configuration, visibility: null });
  return {
    definition: after,
    enabled: (flag ?? enabled) as boolean,
    // Sent again, a process is drawn again: the data that it reads from files may be others.
    isRedrawn: Object.hasOwn(change, 'process') || !isDeepStrictEqual(picture(after.configuration), picture(definition.configuration)),
    hasNewKey: Object.hasOwn(change, 'url'),
  };
}

/** Without nulls, which clients send for what they do not set. */
function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function readType(wanted: unknown): ServiceType {
  const type = typeof wanted === 'string' ? typeNamed(wanted) : undefined;
  if (type === undefined) throw new OpenEOError('ServiceUnsupported', { type: typeof wanted === 'string' ? wanted.slice(0, 100) : String(wanted === undefined ? '' : typeof wanted) }, { detail: `There are ${serviceTypes.join(', ')}.` });
  return type;
}

function checkFlag(endpoint: string, enabled: unknown): void {
  if (typeof enabled !== 'boolean') throw invalidArgument(endpoint, 'enabled', 'it must be true or false.');
}

/** Checks everything that can be known without data. Throws as POST /jobs does, and ServiceConfigUnsupported and ServiceConfigInvalid. */
async function checkService(endpoint: string, given: Fields, context: Context): Promise<ServiceDefinition> {
  const { process, configuration } = given;
  checkProcess(process, await linked(context, process), processParameterNames);
  requireNoParameters(process as Fields);
  checkProperties(endpoint, given);
  // Clients in languages without objects send an empty array for no configuration.
  const settings = configuration === undefined || (Array.isArray(configuration) && configuration.length === 0) ? {} : configuration;
  if (!isObject(settings)) throw invalidArgument(endpoint, 'configuration', 'it must be an object.');
  readConfiguration(settings);
  return { ...given, configuration: settings } as unknown as ServiceDefinition;
}

/** A map has nobody to ask for values: parameters need a default, unless the tile gives them. */
function requireNoParameters({ id, parameters }: Fields): void {
  for (const { name, optional, default: value } of Array.isArray(parameters) ? parameters as readonly Fields[] : []) {
    if (optional === true || value !== undefined || processParameterNames.includes(String(name))) continue;
    throw new OpenEOError('ProcessParameterRequired', { process: typeof id === 'string' ? id : 'process', parameter: String(name) }, { detail: 'A map gives no value to it; declare a default.' });
  }
}

interface Trial {
  readonly range: ShownRange | null;
  /** Why little is known; null: all is well. */
  readonly doubt: string | null;
}

/** Looks at what the process makes, and which values there are. Throws what is wrong with it. */
async function tryMap(context: Context, definition: ServiceDefinition): Promise<Trial> {
  try {
    const { range = null } = await partsOf(context).maps.facts({ userId: context.userId, definition }, { isSampled: true });
    return { range, doubt: null };
  } catch (error) {
    if (isOpenEOError(error) && error.status < 500 && error.code !== 'RequestTimeout') throw error;
    return { range: null, doubt: 'Whether the process ends in a map could not be found out beforehand: it took too long, or no worker was there.' };
  }
}

async function note(context: Context, service: Service, level: LogEntry['level'], message: string): Promise<void> {
  await partsOf(context).logs.append(service, [{ level, message, time: new Date().toISOString() }]);
}

/** What services need; endpoints of a deployment without them are not served. */
export function partsOf({ services }: Pick<Context, 'services'>): ServiceParts {
  if (!services) throw new OpenEOError('FeatureUnsupported', {});
  return services;
}
