/** `lamina layer warm` and `lamina layer materialise`: ask for a part of a layer to be computed, or written to files, and watch. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readRequest } from '../api/layers/materialisation-request.ts';
import { Materialiser } from '../api/layers/materialiser.ts';
import { Materialisations } from '../catalog/materialisations.ts';
import { readConfig } from '../config.ts';
import { openDeployment, type Deployment } from '../deployment.ts';
import { layerOf } from '../layers/layer.ts';
import { createStreamLog } from '../log.ts';
import { reachDatabase } from '../reach-database.ts';

type Command = (args: string[], environment: NodeJS.ProcessEnv) => Promise<void>;

const POLL_MS = 500;

/** ID [--bbox W,S,E,N] [--datetime A/B] [--no-wait]: fills the cache. */
export const layerWarm: Command = (args, environment) => ask(args, environment, 'warm');

/** As `warm`, and [--formats GTiff,Zarr,Parquet] [--view VIEW]: writes files. */
export const layerMaterialise: Command = (args, environment) => ask(args, environment, 'materialise');

async function ask(args: string[], environment: NodeJS.ProcessEnv, name: 'warm' | 'materialise'): Promise<void> {
  const { values, positionals: [id, ...more] } = parseArgs({
    args, allowPositionals: true, allowNegative: true,
    options: {
      bbox: { type: 'string' }, datetime: { type: 'string' }, wait: { type: 'boolean', default: true },
      ...(name === 'materialise' ? { formats: { type: 'string' as const }, view: { type: 'string' as const } } : {}),
    },
  });
  if (id === undefined || more.length > 0) throw new Error(`\`lamina layer ${name}\` takes one layer: ID`);
  const { bbox, datetime, formats, view } = values as { bbox?: string; datetime?: string; formats?: string; view?: string };
  const body = { bbox, datetime, view, formats: name === 'warm' ? [] : formats?.split(',') };
  await inDeployment(environment, async (deployment, isServed) => {
    const { catalog, operators, queues, objects, database, log } = deployment;
    const stored = await catalog.collection(id);
    const layer = stored && layerOf(stored, operators);
    if (!layer) throw new Error(`there is no layer '${id}'; \`lamina layer list\` lists them`);
    const store = new Materialisations(database);
    const { id: record } = await new Materialiser({ store, queues, objects, catalog, maxQueued: Infinity, log }).request(readRequest(layer, body), null);
    process.stdout.write(`${record}\n`);
    if (!isServed) process.stderr.write('No service runs on this data directory: the work begins when one is started.\n');
    else if (values.wait) await watch(store, record);
  });
}

/** Returns when it has ended. Throws an Error with its reason when it failed. */
async function watch(store: Materialisations, id: string): Promise<void> {
  for (let shown = -1; ; await sleep(POLL_MS)) {
    const record = await store.find(id);
    if (!record || record.status === 'canceled') throw new Error('it was canceled');
    const percent = Math.floor(record.progress * 100);
    const isFailed = record.status === 'error';
    if (percent !== shown && !isFailed) {
      process.stderr.write(`\r${record.status} ${percent} %  `);
      shown = percent;
    }
    if (record.status !== 'finished' && !isFailed) continue;
    if (shown >= 0) process.stderr.write('\n');
    if (isFailed) throw new Error(record.message ?? 'it failed');
    for (const { name, bytes } of await store.files(id)) process.stdout.write(`${name}  ${bytes} bytes\n`);
    return;
  }
}

async function inDeployment(environment: NodeJS.ProcessEnv, work: (deployment: Deployment, isServed: boolean) => Promise<void>): Promise<void> {
  const config = readConfig(environment);
  const { url, stop, isShared } = await reachDatabase(config);
  const deployment = await openDeployment(config, url, createStreamLog(process.stderr, 'warning'));
  try {
    await work(deployment, isShared);
  } finally {
    await deployment.close();
    await stop();
  }
}
