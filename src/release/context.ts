/** What all stages are given, and how one says that it is done or that it can't be. */
import type { Operator } from '../operators/operator.ts';
import type { OperatorName } from '../operators/registry/layout.ts';
import type { Published, PublishOptions, Signer } from '../operators/registry/registry.ts';
import type { VersionRecord } from '../operators/registry/version-record.ts';
import type { GateRuntimes } from './gate/gate.ts';
import type { Check } from './gate/check.ts';
import type { Findings, ReleaseReport } from './report.ts';
import type { TaskSet } from './tasks/task-set.ts';

/** What a release needs of a registry. */
export interface ReleaseRegistry {
  /** What 'latest' means; null when nothing is published. */
  latest(of: OperatorName): Promise<{ readonly version: string } | null>;
  /** The newest first. */
  versions(of: OperatorName): Promise<readonly VersionRecord[]>;
  publish(archive: string, options: PublishOptions): Promise<Published>;
  /** Lets a tag mean a version. */
  tag(of: OperatorName, tag: string, version: string, options: { readonly by: string; readonly reason?: string }): Promise<unknown>;
  /** A published version, unpacked on this machine. */
  open(of: OperatorName, version: string): Promise<Operator>;
}

export interface ReleaseSettings {
  /** The folder of the package. */
  readonly folder: string;
  /** Where archive, reports and what an interrupted release needs are kept. */
  readonly out: string;
  /** null: test only, without a version to compare with. */
  readonly registry: ReleaseRegistry | null;
  /** False: nothing is written to the registry. */
  readonly publish: boolean;
  readonly runtimes: GateRuntimes;
  readonly sets: readonly TaskSet[];
  readonly by: string;
  readonly tags: readonly string[];
  /** False: 'latest' stays where it is. */
  readonly latest: boolean;
  readonly allowRegression?: string;
  /** Signs what is published; null: nobody does. */
  readonly signer?: Signer | null;
  /** The commit as a pipeline names it, for machines without git. */
  readonly commit?: string;
  /** Of Lamina. */
  readonly laminaVersion: string;
  readonly now?: () => Date;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What happens, as it happens. */
export type Progress =
  | { readonly kind: 'begun'; readonly stage: string }
  | { readonly kind: 'ended'; readonly stage: string; readonly status: string; readonly detail: string; readonly ms: number; readonly resumed: boolean; readonly warnings: readonly string[] }
  | { readonly kind: 'check'; readonly check: Check };

/** What a stage works on. */
export interface StageContext {
  readonly settings: ReleaseSettings;
  /** As its folder says; the archive is made of it. */
  readonly operator: Operator;
  readonly found: Findings;
  /** The report as it stands before this stage has ended. */
  readonly report: ReleaseReport;
}

/** What a stage leaves. */
export interface StageOutcome {
  readonly detail: string;
  readonly found?: Findings;
  readonly warnings?: readonly string[];
  readonly artefacts?: readonly string[];
}

/** Throws StageFailed. */
export type Stage = (context: StageContext) => Promise<StageOutcome>;

/** A stage that can't be passed. What it found is kept for the report. */
export class StageFailed extends Error {
  override readonly name = 'StageFailed';
  readonly found: Findings;

  constructor(message: string, found: Findings = {}, options?: ErrorOptions) {
    super(message, options);
    this.found = found;
  }
}
