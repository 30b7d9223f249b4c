/** `lamina operator release` and `lamina operator test`: judge an operator, and publish it when it is good. */
import { copyFile, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { createStreamLog } from '../log.ts';
import { placeSettings } from '../open-operators.ts';
import { usualRuntime } from '../operators/called-operator.ts';
import { readOperator } from '../operators/manifest.ts';
import type { OperatorManifest } from '../operators/operator.ts';
import { runtimeNamed } from '../operators/reference.ts';
import { openPlace, writableObjects } from '../operators/registry/place.ts';
import { openSigner } from '../operators/registry/signer.ts';
import { createOnnxRuntime } from '../operators/runtime/onnx.ts';
import type { Progress, ReleaseRegistry, ReleaseSettings } from '../release/context.ts';
import { release, HTML_FILE, REPORT_FILE } from '../release/release.ts';
import { releaseRegistry } from '../release/release-registry.ts';
import { STATE_FILE } from '../release/state.ts';
import { openTaskSet } from '../release/tasks/files.ts';
import { syntheticTasks } from '../release/tasks/synthetic.ts';
import type { ProcessRuntime } from '../runtimes/process-runtime.ts';
import { openRuntime, processRuntimes, toolEnvironmentOf, userScratch } from '../runtimes/runtimes.ts';
import { untilTold } from './until-told.ts';

const options = {
  registry: { type: 'string' }, out: { type: 'string' }, report: { type: 'string' }, html: { type: 'string' }, tasks: { type: 'string', multiple: true },
  runtime: { type: 'string' }, 'allow-regression': { type: 'string' }, by: { type: 'string' }, tag: { type: 'string', multiple: true },
  key: { type: 'string' }, 'no-latest': { type: 'boolean' }, 'dry-run': { type: 'boolean' }, restart: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values'];

/** FOLDER --registry WHERE …: all seven stages. Sets exit code 1 when the operator is refused. */
export async function releaseCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  await judge('release', positionals, values, environment, values['dry-run'] !== true);
}

/** FOLDER …: everything but publishing; without a registry nothing is compared with a version before. */
export async function testCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  await judge('test', positionals, values, environment, false);
}

async function judge(command: string, [folder, ...more]: readonly string[], values: Values, environment: NodeJS.ProcessEnv, isPublished: boolean): Promise<void> {
  if (folder === undefined || more.length > 0) throw new Error(`\`lamina operator ${command}\` takes one folder with an operator.json`);
  if (values['allow-regression']?.trim() === '') throw new Error('--allow-regression needs a reason, in words');
  const { manifest } = await readOperator(folder);
  const out = resolve(values.out ?? join('release', `${manifest.namespace ? `${manifest.namespace}-` : ''}${manifest.name}-${manifest.version}`));
  if (values.restart) await rm(join(out, STATE_FILE), { force: true });
  const registry = await openRegistry(values.registry, environment, join(out, 'registry'), isPublished);
  const onnx = createOnnxRuntime({ threads: 1, log: createStreamLog(process.stderr, 'error') });
  const { signal, end } = untilTold('interrupted; the same command goes on where this one ended');
  try {
    const report = await release({
      ...settingsOf(values, environment, folder, out), registry: registry?.registry ?? null, publish: isPublished, signer: await openSigner(values), signal,
      runtimes: { onnx, programs: programsFor(manifest, values.runtime, environment) },
      sets: [syntheticTasks, ...await Promise.all((values.tasks ?? []).map((path) => openTaskSet(path)))],
      onProgress: tell,
    });
    if (values.report !== undefined) await copyFile(join(out, REPORT_FILE), values.report);
    if (values.html !== undefined) await copyFile(join(out, HTML_FILE), values.html);
    print(`${report.operator}:${report.version} ${report.status}${report.publish ? `: ${report.publish.reference}` : ''}. Reports: ${join(out, REPORT_FILE)}, ${HTML_FILE}`);
    if (report.status === 'refused') process.exitCode = 1;
  } finally {
    end();
    await onnx.close();
    registry?.close();
  }
}

function settingsOf(values: Values, environment: NodeJS.ProcessEnv, folder: string, out: string): Pick<ReleaseSettings, 'folder' | 'out' | 'by' | 'tags' | 'latest' | 'laminaVersion' | 'allowRegression' | 'commit'> {
  const reason = values['allow-regression'];
  const commit = environment['CI_COMMIT_SHA'] ?? environment['GITHUB_SHA'];
  return {
    folder, out, tags: values.tag ?? [], latest: values['no-latest'] !== true,
    // Who pushed, where a pipeline publishes.
    by: values.by ?? environment['GITLAB_USER_LOGIN'] ?? environment['GITHUB_ACTOR'] ?? userInfo().username,
    laminaVersion: (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version,
    ...(reason === undefined ? {} : { allowRegression: reason }),
    ...(commit === undefined ? {} : { commit }),
  };
}

/** The registry that was named, else the first of LAMINA_OPERATORS; null when there is none and none is needed. */
async function openRegistry(named: string | undefined, environment: NodeJS.ProcessEnv, scratch: string, isNeeded: boolean): Promise<{ registry: ReleaseRegistry; close: () => void } | null> {
  const config = readConfig(environment);
  const text = named ?? config.operators[0];
  if (text === undefined) {
    if (isNeeded) throw new Error('where to? Name a registry with --registry or LAMINA_OPERATORS: /directory, s3://bucket/prefix or store');
    return null;
  }
  const place = openPlace(/^\.{1,2}(?:\/|$)/.test(text) ? resolve(text) : text, placeSettings(config));
  return { registry: releaseRegistry(writableObjects(place), scratch, (message) => void process.stderr.write(`warning: ${message}\n`)), close: () => place.close() };
}

/**
 * What runs operators of a kind: models get a process of their own for measuring, programs of others their sandbox or container. A runtime that
 * was named is for operators of the kind that is released; the version before may be of another one.
 */
function programsFor(released: OperatorManifest, runtime: string | undefined, environment: NodeJS.ProcessEnv): (kind: OperatorManifest['kind']) => ProcessRuntime {
  const named = runtime === undefined ? undefined : runtimeNamed(runtime);
  if (named === null || (named !== undefined && !processRuntimes.includes(named))) throw new Error(`there is no runtime '${runtime}' for programs; there are ${processRuntimes.join(', ')}`);
  const usual = (kind: OperatorManifest['kind']) => (kind === 'onnx' ? 'containerless' : usualRuntime({ kind }));
  return (kind) => openRuntime((kind === released.kind ? named : undefined) ?? usual(kind), { scratch: userScratch(), toolEnvironment: toolEnvironmentOf(environment) });
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

function tell(progress: Progress): void {
  if (progress.kind === 'check') return print(`  ${progress.check.check.padEnd(12)} ${progress.check.status.padEnd(8)} ${progress.check.detail}`);
  if (progress.kind === 'begun') return;
  const { stage, status, detail, ms, resumed, warnings } = progress;
  print(`${stage.padEnd(14)} ${status.padEnd(8)} ${detail}${resumed ? ' (by an earlier run)' : ms > 0 ? ` (${ms} ms)` : ''}`);
  for (const warning of warnings) print(`  warning: ${warning}`);
}
