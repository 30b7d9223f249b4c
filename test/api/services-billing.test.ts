/** What maps cost, and how a budget ends them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Billing } from '../../src/jobs/billing.ts';
import { serviceTileKey, type ServiceTask } from '../../src/services/task.ts';
import { startService, type TestService } from './service.ts';

const billing: Billing = {
  currency: 'EUR',
  defaultPlan: null,
  plans: [
    { name: 'Pixels', description: 'By the pixel.', paid: true, prices: { job: 100, input_pixel: 0.001, embedding_blocks: 2 } },
    { name: 'Staff', description: 'Free for staff.', paid: false, groups: ['staff'], prices: {} },
  ],
};

let service: TestService;
let ann: Record<string, string>;

beforeAll(async () => {
  service = await startService({ billing });
  ann = await service.token();
  // Every tile reads 1000 samples and computes a block.
  await service.queues.work<ServiceTask, unknown>('tile', 1, async (task) => {
    if ('trial' in task) return { bounds: [4, 50, 5, 51], days: [], bands: [] };
    await service.services.store.use(task.tile.service, { tiles: 1, seconds: 0.25, samples: 1000, blocks: 1 });
    await service.objects.put(serviceTileKey(task.tile), Buffer.from('a picture'));
    return { objectKey: serviceTileKey(task.tile), mediaType: 'image/png' };
  });
});
afterAll(() => service.close());

const call = (method: string, path: string, body?: unknown) => fetch(`${service.url}/openeo/1.3${path}`, { method, headers: { ...ann, 'Content-Type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const process = { process_graph: { load: { process_id: 'load_collection', arguments: { id: 'S2/L2A', spatial_extent: null, temporal_extent: null }, result: true } } };
const publish = (changes: object) => call('POST', '/services', { type: 'xyz', process, configuration: { visibility: 'public' }, ...changes });

it('needs a plan that is for whoever asks', async () => {
  const codes = [];
  for (const changes of [{}, { plan: 'staff' }, { plan: 'golden' }]) codes.push((await (await publish(changes)).json() as { code: string }).code);
  expect(codes).toEqual(['BillingPlanMissing', 'BillingPlanInvalid', 'BillingPlanInvalid']);
});

it('costs what drawing costs, until its budget is used up', async () => {
  const created = await publish({ plan: 'pixels', budget: 7 });
  expect(created.status).toBe(201);
  const path = `/services/${created.headers.get('openeo-identifier')}`;
  const described = async () => (await call('GET', path)).json() as Promise<{ url: string; costs: number; plan: string; budget: number; usage: object }>;
  const { url, ...fresh } = await described();
  expect(fresh).toMatchObject({ costs: 0, plan: 'Pixels', budget: 7 });
  const tile = (column: number) => fetch(url.replace('{z}', '5').replace('{x}', String(column)).replace('{y}', '3'));

  expect([(await tile(0)).status, (await tile(0)).status, (await tile(1)).status]).toEqual([200, 200, 200]);
  // Two tiles of 1 + 2; one of them was looked at twice.
  expect(await described()).toMatchObject({ costs: 6, usage: { tiles: { value: 2 }, input_pixel: { value: 2000, unit: 'samples' }, embedding_blocks: { value: 2 }, duration: { value: 0.5, unit: 'seconds' } } });
  expect((await tile(2)).status).toBe(200);
  expect(await described()).toMatchObject({ costs: 7 });
  const over = await tile(3);
  expect([over.status, await over.json()]).toMatchObject([402, { code: 'PaymentRequired', message: expect.stringContaining('7 EUR') as unknown }]);
  expect((await tile(1)).status).toBe(200);
  const { logs } = await (await call('GET', `${path}/logs?level=error`)).json() as { logs: { code: string }[] };
  expect(logs.map(({ code }) => code)).toEqual(['PaymentRequired']);

  expect((await call('PATCH', path, { budget: null })).status).toBe(204);
  expect((await tile(3)).status).toBe(200);
  expect((await described()).costs).toBe(12);
});
