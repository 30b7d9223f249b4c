/** `lamina serve` and `npm start`: starts the service, says where to go, ends it on Ctrl-C. */
import { readConfig } from '../config.ts';
import { createStreamLog } from '../log.ts';
import { startService, type RunningService } from '../serve.ts';

/** Runs until SIGINT or SIGTERM. Throws an Error with one line when the service can't start. */
export async function serveCommand(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(environment);
  // People read stdout here; the log goes to stderr, warnings only unless asked for more.
  const log = createStreamLog(process.stderr, environment['LAMINA_LOG_LEVEL'] ? config.logLevel : 'warning');
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
  const started = performance.now();
  process.stdout.write(`Lamina is starting on ${config.data} …\n`);
  const service = await startService(config, environment, log);
  process.stdout.write(welcome(service, (performance.now() - started) / 1000));
  await new Promise<void>((resolve) => {
    if (ending.signal.aborted) resolve();
    ending.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  process.stdout.write('Ending …\n');
  await service.close();
  process.exit(0);
}

function welcome({ server }: RunningService, seconds: number): string {
  const { url, developmentUser } = server;
  const login = developmentUser ? `  Log in        ${developmentUser.name} / ${developmentUser.password}   (a development user, made at this first start)\n` : '';
  return `Lamina is ready after ${seconds.toFixed(1)} s.
  openEO        ${url}          (openEO Web Editor, Python: openeo.connect("${url}"))
  STAC          ${url}/stac
${login}  A map tile    ${url}/tiles/SYNTHETIC_S2/tilejson.json
  Your own data npx lamina ingest <folder> --collection MY_DATA
  Ctrl-C ends everything.
`;
}
