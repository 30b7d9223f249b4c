/** The report of a release: what was done, what was found, what came of it. snake_case, because it travels with the version. */
import type { Check } from './gate/check.ts';
import type { SetReport } from './gate/quality.ts';

/** In their order. */
export const stageNames = ['source', 'dependencies', 'build', 'test', 'metadata', 'version', 'publish'] as const;
export type StageName = (typeof stageNames)[number];

/** 'skipped': not asked for, or not reached because an earlier one failed. */
export type StageStatus = 'passed' | 'failed' | 'skipped';

export interface StageReport {
  readonly stage: StageName;
  readonly status: StageStatus;
  /** A sentence; of a failed stage why. */
  readonly detail: string;
  readonly ms: number;
  /** RFC 3339; of a stage that was taken over from an earlier run, then. */
  readonly started: string | null;
  /** True when an earlier, interrupted run had done it. */
  readonly resumed: boolean;
  /** What should be looked at, though it stops nothing. */
  readonly warnings: readonly string[];
  /** Files in the folder of the release. */
  readonly artefacts: readonly string[];
}

/** Where a package came from. */
export interface SourceFacts {
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
  /** null: not under version control. */
  readonly git: { readonly commit: string; readonly dirty: boolean; readonly remote: string | null } | null;
}

export interface DependencyFacts {
  /** Runtime, interpreter or image, with versions where they are known. */
  readonly needs: Readonly<Record<string, string>>;
  /** Files that hold versions fast, with their SHA-256. */
  readonly locks: Readonly<Record<string, string>>;
}

export interface BuildFacts {
  readonly archive: string;
  readonly sha256: string;
  readonly size: number;
  /** Of the operator: of its manifest, which names its files. */
  readonly digest: string;
}

export interface TestFacts {
  /** What it was compared with: 'name@sha256:…'. */
  readonly previous: { readonly version: string; readonly digest: string } | null;
  readonly likeness: number | null;
  readonly checks: readonly Check[];
  readonly sets: readonly SetReport[];
}

export interface Publication {
  /** 'name@sha256:…' */
  readonly reference: string;
  readonly tags: readonly string[];
}

/** What the stages found; a stage that did not pass has left nothing. */
export interface Findings {
  readonly source?: SourceFacts;
  readonly dependencies?: DependencyFacts;
  readonly build?: BuildFacts;
  readonly test?: TestFacts;
  readonly publish?: Publication;
}

/** 'tested': all is well, but nothing was to be published. */
export type ReleaseStatus = 'published' | 'tested' | 'refused' | 'running';

export interface ReleaseReport extends Findings {
  readonly report_version: '1.0';
  readonly operator: string;
  readonly version: string;
  readonly status: ReleaseStatus;
  readonly started: string;
  readonly ms: number;
  /** Why regressions were let pass; null when none were. */
  readonly allowed_regression: string | null;
  readonly machine: { readonly system: string; readonly processors: number; readonly memory_mib: number; readonly node: string; readonly lamina: string };
  readonly stages: readonly StageReport[];
}
