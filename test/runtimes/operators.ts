/** Operators that are small programs, written for a test. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest } from '../../src/cube/digest.ts';
import type { Operator, OperatorManifest, ParameterValues } from '../../src/operators/operator.ts';

export interface ProgramOptions {
  readonly params?: ParameterValues;
  readonly resources?: OperatorManifest['resources'];
  readonly command?: readonly string[];
}

let all: string | null = null;

/** Holds all programs of a test file. */
function programs(): string {
  if (all !== null) return all;
  all = mkdtempSync(join(tmpdir(), 'lamina-programs-'));
  chmodSync(all, 0o755);
  return all;
}

/** Deletes all programs. To be called when the tests of a file are done. */
export function removePrograms(): void {
  if (all !== null) rmSync(all, { recursive: true, force: true });
  all = null;
}

/** An operator of one band and one dimension whose patches are pixels: a program that copies its input is one. */
export function programOperator(script: string, { params = {}, resources = { seconds: 20, memory_mib: 512 }, command = ['./program.sh'] }: ProgramOptions = {}): Operator {
  const folder = mkdtempSync(join(programs(), 'program-'));
  const inside = join(folder, 'package');
  mkdirSync(inside);
  writeFileSync(join(inside, 'program.sh'), `#!/bin/sh\n${script}\n`);
  for (const path of [folder, inside, join(inside, 'program.sh')]) chmodSync(path, 0o755);
  const manifest = { ...pixelManifest('program'), kind: 'exec' as const, command, files: {}, resources: resources! };
  return asOperator(manifest, params, inside);
}

export function asOperator(manifest: OperatorManifest, params: ParameterValues, folder: string): Operator {
  return { manifest, digest: digest({ manifest, params, folder }), reference: `${manifest.name}@test`, runtime: 'bubblewrap', params, folder: async () => folder };
}

export function pixelManifest(name: string) {
  return {
    name, version: '1.0.0', title: 'A program', description: 'One number per pixel.', license: 'Apache-2.0',
    input: { bands: [{ name: 'B01' }], fill: 0, gsd: 10, gsd_range: [1, 100] as const },
    patch: 1, halo: 0, output: { dimensions: 1, prefix_truncatable: false }, min_valid: 0,
    quantization: { int8: { scale: [1], offset: [0] } },
    rgb: { mean: [0], components: [[1], [1], [1]], low: [0, 0, 0], high: [1, 1, 1] },
    golden: 'golden.json',
  };
}

/** Two blocks of 2 × 3 pixels. */
export const twoBlocks = { inputs: [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(-1, 0.5, 1e30, 0, 7, 8)], rows: 2, columns: 3 };

export const COPY = 'cp "$INPUT_PATH" "$OUTPUT_PATH"';
