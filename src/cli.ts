/** The command line: `lamina serve | api | worker | ingest | layer | version`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundleCommand } from './commands/bundle.ts';
import { exportCommand } from './commands/export.ts';
import { collectionCommand } from './commands/collection.ts';
import { gridCommand } from './commands/grid.ts';
import { ingestCommand } from './commands/ingest.ts';
import { layerCommand } from './commands/layer.ts';
import { operatorCommand } from './commands/operator.ts';
import { runCommand } from './commands/run.ts';
import { runtimesCommand } from './commands/runtimes.ts';
import { runApi } from './server.ts';
import { serveCommand } from './commands/serve.ts';
import { runWorker } from './worker.ts';

const HELP = `lamina — virtual embedding layers for Earth observation (openEO and STAC)

  lamina serve                     API, worker and, without LAMINA_DATABASE_URL, a database, on this machine
  lamina api                       only the API (LAMINA_DATABASE_URL is needed)
  lamina worker                    only a worker (LAMINA_DATABASE_URL is needed); run as many as you like
  lamina ingest <source>… --collection ID
                                   make a collection of GeoTIFF files, folders of them, a STAC URL, files of items
                                   (.ndjson, .json, stac-geoparquet) or s3://bucket/prefix; goes on where it was interrupted
      --bands B01,B02,…            names of the bands, where the files have none
      --title, --description, --keywords a,b, --license SPDX, --datetime, --limit N
      --every 5m                   look again and again: new and changed files come in (ends with SIGTERM)
      --withdraw                   items whose files vanished go
      --watch BUCKET/PREFIX        objects there come and go with the events of their store (POST /ingest/events)
      --watch-url URL              where they are read, when it is not the bucket of the service
  lamina export ID… --output FILE  items of collections as stac-geoparquet (.parquet), .ndjson or .json
      --bbox W,S,E,N, --datetime A/B, --filter CQL2
                                   only some of them
  lamina collection list           collections whose items lie in other catalogs: active ones, and those that come along
  lamina collection add NAME       makes one active, of those that come along or FILE.json: --id ID
  lamina collection check ID       asks its catalog for an item
  lamina collection remove ID      forgets it; nothing happens to its items
  lamina layer create FILE.json    publish a layer; it is checked and tried on its source first
      --replace                    put it in the place of the layer of the same id
      --owner NAME                 in the name of a user
  lamina layer list                layers with their versions and operators
  lamina layer show ID             the collection of a layer as clients see it
  lamina layer delete ID           remove a layer with its older versions
  lamina layer warm ID             compute what is missing in the cache
  lamina layer materialise ID      write it to files: --formats GTiff,Zarr,Parquet, --view VIEW
      --bbox W,S,E,N, --datetime A/B, --no-wait
                                   of both: a part of it; do not wait for the end
  lamina layer stats [ID]          what is cached; --json
  lamina layer verify [ID]         read all that is cached, delete what is damaged; --retry lets failed blocks be tried again
  lamina layer evict [ID]          delete cached blocks: --all, --bytes N, --older-than 30d or --bbox W,S,E,N
  lamina operator list             AI-compressors that come along; --json
  lamina operator show NAME        what one is and takes: of a folder, an archive or by its name; --json
  lamina operator pack FOLDER      makes NAME-VERSION.tar.gz, the same bytes each time: --output FOLDER, --update
  lamina operator check NAME       manifest, digests and golden vectors of a folder, an archive or a name
  lamina operator import FILE      a CLAIMED script or notebook, an ONNX model: makes a package and says what is missing
      --output FOLDER, --name NAME, --version 0.1.0, --vendor (install what a script needs), --json
      --item MLM.json, --settings CONFIG.yaml, --sensor NAME, --samples FILE.npy, --bands B02,B03,…, --gsd 10,
      --chip 224, --pooling mean|class, --license SPDX
                                   of a model: what describes it, and how its output becomes vectors
  lamina operator export NAME --to cwl|k8s|slurm|pbs|lsf
                                   a file for a workflow engine or a scheduler: --output FILE
      --image, --claim, --pull-secret
                                   of Kubernetes: image with lamina, volume claim, secret for the image
  lamina operator test FOLDER      judges an operator: vectors, quality, speed, licence, secrets; publishes nothing
  lamina operator release FOLDER   judges it in seven stages and publishes it when it is good; goes on where it was interrupted
      --report FILE.json, --html FILE, --out FOLDER, --tasks FILE.json, --allow-regression REASON, --dry-run, --restart
  lamina operator publish FOLDER|ARCHIVE
                                   into a registry, without the checks of a release: --tag NAME, --no-latest, --reason TEXT
      --registry PLACE             here and below: store, /directory or s3://bucket/prefix; else the first of LAMINA_OPERATORS
  lamina operator tags NAME        versions and tags with their history; --json
  lamina operator tag NAME:VERSION TAG
                                   lets a tag mean a version
  lamina operator rollback NAME    latest means again what it meant before; --to VERSION, --tag NAME, --reason TEXT
  lamina operator yank NAME:VERSION
                                   hides it from ranges and from latest, pins work on; --undo, --reason TEXT
  lamina operator pull REFERENCE   fetches it into the cache of this machine and prints its folder
  lamina operator rebuild NAME:VERSION FOLDER
                                   whether the files of a folder make what was published; which files differ
  lamina operator reindex          writes the metadata of a registry anew
  lamina grid show WHERE           tasks of a grid (lamina run --grid): how many are done, what failed and why
  lamina grid retry WHERE          lets failed tasks be tried again; WHERE is a directory, s3://bucket/prefix or database:name
  lamina run [RUNTIME/]NAME[:VERSION] --input A.tif --output B.tif [--PARAMETER VALUE …]
                                   run an operator on a file; \`lamina run --help\` says more
  lamina bundle [RUNTIME/]NAME[:VERSION] --input A.tif --output FOLDER|FILE.tar.gz [--PARAMETER VALUE …]
                                   a run that takes everything along, for machines that have nothing but Node
  lamina runtimes [NAME …]         what can run operators on this machine, tried out; --json
  lamina version

Settings are environment variables, see docs/configuration.md: LAMINA_PORT, LAMINA_HOST, LAMINA_DATA, …
`;

const commands: Record<string, (args: string[]) => Promise<void>> = {
  serve: async (args) => serveCommand(noArguments(args)),
  api: async (args) => runApi(noArguments(args)),
  worker: async (args) => runWorker(noArguments(args)),
  ingest: (args) => ingestCommand(args, process.env),
  export: (args) => exportCommand(args, process.env),
  bundle: (args) => bundleCommand(args, process.env),
  grid: (args) => gridCommand(args, process.env),
  collection: (args) => collectionCommand(args, process.env),
  layer: (args) => layerCommand(args, process.env),
  operator: (args) => operatorCommand(args, process.env),
  run: (args) => runCommand(args, process.env),
  runtimes: (args) => runtimesCommand(args, process.env),
  version: async () => void process.stdout.write(`${version()}\n`),
  help: async () => void process.stdout.write(HELP),
};

function noArguments(args: string[]): NodeJS.ProcessEnv {
  parseArgs({ args, options: {} });
  return process.env;
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

async function main([name = 'help', ...args]: string[]): Promise<void> {
  const command = commands[name.replace(/^--?/, '').replace(/^h$/, 'help')];
  if (!command) throw new Error(`There is no command '${name}'. \`lamina help\` lists them.`);
  await command(args);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // One clear line: a stack trace helps nobody who mistyped a path or a port.
  process.stderr.write(`lamina: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
