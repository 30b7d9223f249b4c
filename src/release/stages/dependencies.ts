/** Stage 2: what the operator needs besides its files, and whether that is held fast: what floats today is another operator tomorrow. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { OperatorManifest } from '../../operators/operator.ts';
import { StageFailed, type StageContext, type StageOutcome } from '../context.ts';
import type { DependencyFacts, SourceFacts } from '../report.ts';

/** Files that pin, and those that ask for one of them beside. */
const LOCKS = /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|pdm\.lock|uv\.lock|pylock\.toml|Pipfile\.lock|conda-lock\.yml|go\.sum|Cargo\.lock|Gemfile\.lock|renv\.lock|Manifest\.toml)$/;
const WANTS: readonly [RegExp, RegExp, string][] = [
  [/(?:^|\/)package\.json$/, /package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml/, 'a package-lock.json'],
  [/(?:^|\/)(?:pyproject\.toml|Pipfile)$/, /poetry\.lock|pdm\.lock|uv\.lock|pylock\.toml|Pipfile\.lock|requirements[\w.-]*\.txt/, 'a lock file (uv.lock, poetry.lock) or requirements.txt'],
  [/(?:^|\/)environment\.ya?ml$/, /conda-lock\.yml/, 'a conda-lock.yml'],
  [/(?:^|\/)Cargo\.toml$/, /Cargo\.lock/, 'a Cargo.lock'],
  [/(?:^|\/)go\.mod$/, /go\.sum/, 'a go.sum'],
];
const REQUIREMENTS = /(?:^|\/)requirements[\w.-]*\.txt$/;

export async function dependencies({ settings: { folder }, operator: { manifest }, found }: StageContext): Promise<StageOutcome> {
  const files = found.source!.files;
  const faults = [...missingLocks(files), ...(await floating(folder, files))];
  if (manifest.kind === 'image' && !/@sha256:[0-9a-f]{64}$/.test(manifest.image)) faults.push(`the image '${manifest.image}' has no digest: write name@sha256:…, because a tag can be moved`);
  if (faults.length > 0) throw new StageFailed(`${faults.join('; ')}.`);
  const facts: DependencyFacts = { needs: needsOf(manifest), locks: Object.fromEntries(files.filter(({ path }) => LOCKS.test(path) || REQUIREMENTS.test(path)).map(({ path, sha256 }) => [path, sha256])) };
  const warnings = manifest.kind === 'exec' && Object.keys(facts.locks).length === 0 ? ['The package has no file that holds versions of libraries fast: its vectors depend on what the machine has.'] : [];
  return { detail: Object.entries(facts.needs).map(([name, version]) => `${name} ${version}`).join(', '), found: { dependencies: facts }, warnings };
}

function missingLocks(files: SourceFacts['files']): string[] {
  return files.flatMap(({ path }) => WANTS.flatMap(([file, lock, what]) => (file.test(path) && !files.some((other) => lock.test(other.path)) ? [`${path} needs ${what} beside it`] : [])));
}

/** Lines of requirements.txt without an exact version. */
async function floating(folder: string, files: SourceFacts['files']): Promise<string[]> {
  const faults: string[] = [];
  for (const { path } of files.filter((file) => REQUIREMENTS.test(file.path))) {
    const lines = (await readFile(join(folder, path), 'utf8')).replaceAll('\\\n', ' ').split('\n').map((line) => line.replace(/(^|\s)#.*$/, '').trim());
    const loose = lines.filter((line) => line !== '' && !line.startsWith('-') && !/===?\s*[^*\s]+(?:\s|;|$)/.test(line) && !/@\s*\S+#?(?:sha256=|@[0-9a-f]{40})/.test(line));
    faults.push(...loose.map((line) => `${path} has '${line.slice(0, 80)}' without an exact version ('==')`));
  }
  return faults;
}

function needsOf(manifest: OperatorManifest): Record<string, string> {
  if (manifest.kind === 'onnx') return { opset: String(manifest.model.opset), 'onnxruntime-node': versionOf('onnxruntime-node'), node: process.versions.node };
  if (manifest.kind === 'image') return { image: manifest.image };
  return { program: manifest.command[0] ?? '' };
}

function versionOf(name: string): string {
  return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
}
