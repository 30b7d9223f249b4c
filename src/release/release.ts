/**
 * A release: seven stages, one after the other, the first failure ends it. After each stage its outcome is written down; a run
 * that was cut short is taken up by the next one.
 */
import { mkdir } from 'node:fs/promises';
import { arch, availableParallelism, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { readOperator } from '../operators/manifest.ts';
import type { Operator } from '../operators/operator.ts';
import { qualifiedName } from '../operators/reference.ts';
import { StageFailed, type ReleaseSettings, type Stage, type StageContext } from './context.ts';
import { htmlOf } from './report-html.ts';
import { stageNames, type Findings, type ReleaseReport, type ReleaseStatus, type StageName, type StageReport } from './report.ts';
import { fingerprintOf, readState, writeState, writeWhole, type ReleaseState } from './state.ts';
import { build, isBuilt } from './stages/build.ts';
import { dependencies } from './stages/dependencies.ts';
import { metadata } from './stages/metadata.ts';
import { publish } from './stages/publish.ts';
import { source, sourceOf } from './stages/source.ts';
import { test } from './stages/test.ts';
import { version } from './stages/version.ts';

export const REPORT_FILE = 'report.json';
export const HTML_FILE = 'report.html';

const stages: Readonly<Record<StageName, Stage>> = { source, dependencies, build, test, metadata, version, publish };

/** Works through all stages. Never throws for what is wrong with the operator: the report says it. Throws what the registry and the disk throw, and the signal's reason. */
export async function release(settings: ReleaseSettings): Promise<ReleaseReport> {
  await mkdir(settings.out, { recursive: true });
  const operator = await readOperator(settings.folder);
  const fingerprint = fingerprintOf((await sourceOf(settings.folder, operator)).facts, settings);
  const run = new Run(settings, operator, fingerprint, await readState(settings.out, fingerprint));
  return run.finish();
}

class Run {
  readonly #settings: ReleaseSettings;
  readonly #operator: Operator;
  readonly #fingerprint: string;
  readonly #earlier: ReleaseState | null;
  readonly #now: () => Date;
  readonly #begun: Date;
  readonly #stages: StageReport[] = [];
  #found: Findings = {};

  constructor(settings: ReleaseSettings, operator: Operator, fingerprint: string, earlier: ReleaseState | null) {
    this.#settings = settings;
    this.#operator = operator;
    this.#fingerprint = fingerprint;
    this.#earlier = earlier;
    this.#now = settings.now ?? (() => new Date());
    this.#begun = this.#now();
  }

  async finish(): Promise<ReleaseReport> {
    for (const stage of stageNames) {
      this.#settings.signal?.throwIfAborted();
      await this.#pass(stage);
      await this.#write();
    }
    return this.#report();
  }

  async #pass(stage: StageName): Promise<void> {
    const failed = this.#stages.find(({ status }) => status === 'failed');
    if (failed) return this.#end({ ...plain(stage), status: 'skipped', detail: `Not reached: ${failed.stage} failed.` });
    if (stage === 'publish' && !this.#settings.publish) return this.#end({ ...plain(stage), status: 'skipped', detail: 'Not asked for.' });
    const earlier = await this.#takeOver(stage);
    if (earlier) return this.#end(earlier);
    this.#settings.onProgress?.({ kind: 'begun', stage });
    this.#end(await this.#work(stage));
  }

  async #work(stage: StageName): Promise<StageReport> {
    const started = this.#now().toISOString();
    const clock = performance.now();
    const spent = () => Math.round(performance.now() - clock);
    const context: StageContext = { settings: this.#settings, operator: this.#operator, found: this.#found, report: this.#report() };
    try {
      const { detail, found = {}, warnings = [], artefacts = [] } = await stages[stage](context);
      this.#found = { ...this.#found, ...found };
      return { stage, status: 'passed', detail, ms: spent(), started, resumed: false, warnings, artefacts };
    } catch (error) {
      if (!(error instanceof StageFailed)) throw error;
      this.#found = { ...this.#found, ...error.found };
      return { ...plain(stage), status: 'failed', detail: error.message, ms: spent(), started };
    }
  }

  /** What an earlier run has done and still holds: its archive is there, and the version it compared with is still the latest. */
  async #takeOver(stage: StageName): Promise<StageReport | null> {
    const report = this.#earlier?.stages[stage];
    if (report?.status !== 'passed' || !(await this.#stillHolds(stage))) return null;
    const found = this.#earlier!.found;
    if (stage === 'dependencies' || stage === 'build' || stage === 'test') this.#found = { ...this.#found, [stage]: found[stage] };
    return { ...report, resumed: true };
  }

  async #stillHolds(stage: StageName): Promise<boolean> {
    const { build: built, test: tested } = this.#earlier!.found;
    if (stage === 'dependencies') return true;
    if (stage === 'build') return built !== undefined && isBuilt(this.#settings.out, built);
    if (stage !== 'test' || tested === undefined) return false;
    // Without the archive that was tested the tests say nothing.
    if (!this.#stages.some((done) => done.stage === 'build' && done.resumed)) return false;
    const latest = (await this.#settings.registry?.latest(this.#operator.manifest)) ?? null;
    return latest?.version === tested.previous?.version || latest?.version === this.#operator.manifest.version;
  }

  #end(report: StageReport): void {
    this.#stages.push(report);
    const { stage, status, detail, ms, resumed, warnings } = report;
    this.#settings.onProgress?.({ kind: 'ended', stage, status, detail, ms, resumed, warnings });
  }

  async #write(): Promise<void> {
    const { out } = this.#settings;
    const report = this.#report();
    await writeWhole(join(out, REPORT_FILE), JSON.stringify(report, null, 2));
    await writeWhole(join(out, HTML_FILE), htmlOf(report));
    await writeState(out, { fingerprint: this.#fingerprint, stages: Object.fromEntries(this.#stages.map((done) => [done.stage, done])), found: this.#found });
  }

  #report(): ReleaseReport {
    const { manifest } = this.#operator;
    const { allowRegression, laminaVersion } = this.#settings;
    const wasNeeded = this.#found.test?.checks.some(({ status }) => status === 'allowed') === true;
    return {
      report_version: '1.0', operator: qualifiedName(manifest), version: manifest.version, status: this.#status(),
      started: this.#begun.toISOString(), ms: this.#now().getTime() - this.#begun.getTime(),
      allowed_regression: wasNeeded ? allowRegression ?? null : null,
      machine: { system: `${platform()} ${arch()}`, processors: availableParallelism(), memory_mib: Math.round(totalmem() / 2 ** 20), node: process.versions.node, lamina: laminaVersion },
      stages: [...this.#stages], ...this.#found,
    };
  }

  #status(): ReleaseStatus {
    if (this.#stages.some(({ status }) => status === 'failed')) return 'refused';
    if (this.#stages.length < stageNames.length) return 'running';
    return this.#stages.at(-1)!.status === 'passed' ? 'published' : 'tested';
  }
}

function plain(stage: StageName): StageReport {
  return { stage, status: 'skipped', detail: '', ms: 0, started: null, resumed: false, warnings: [], artefacts: [] };
}
