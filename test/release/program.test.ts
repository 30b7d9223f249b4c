/** The gate on an operator that is a program: several blocks a call, memory of its processes, one that changes its mind, one that fails. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { goldenInput } from '../../src/operators/package/golden.ts';
import { updateFiles } from '../../src/operators/package/pack.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { release } from '../../src/release/release.ts';
import type { ReleaseReport } from '../../src/release/report.ts';
import { openRuntime } from '../../src/runtimes/runtimes.ts';
import { madeUpLandscapes } from '../../src/release/tasks/synthetic.ts';
import { manifest } from './operators.ts';

/** Means of the bands in the halves of every patch, without a library. */
const PROGRAM = `
import array, os, struct, sys
PATCH = 8
def read(path):
    with open(path, 'rb') as f:
        assert f.read(6) == b'\\x93NUMPY'
        f.read(2)
        header = eval(f.read(struct.unpack('<H', f.read(2))[0]))
        values = array.array('f')
        values.frombytes(f.read())
        return header['shape'], values
def write(path, shape, values):
    header = ("{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (shape,)).ljust(117) + '\\n'
    with open(path, 'wb') as f:
        f.write(b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(header)) + header.encode() + values.tobytes())
(n, bands, rows, columns), data = read(os.environ['INPUT_PATH'])
down, across = rows // PATCH, columns // PATCH
out = array.array('f')
for b in range(n):
    for half in (0, PATCH // 2):
        for band in range(bands):
            for r in range(down):
                for c in range(across):
                    total = 0.0
                    for y in range(r * PATCH, r * PATCH + PATCH):
                        at = ((b * bands + band) * rows + y) * columns + c * PATCH + half
                        total += sum(data[at:at + PATCH // 2])
                    out.append(total / (PATCH * PATCH // 2) * GAIN)
write(os.environ['OUTPUT_PATH'], (n, 2 * bands, down, across), out)
`;

const python = spawnSync('python3', ['--version']).status === 0 && spawnSync('prlimit', ['--version']).status === 0;
const why = 'skipped: python3 or prlimit is absent';
let folder: string;
const onnx = createOnnxRuntime({ threads: 1, log: silentLog });
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-program-release-'))));
afterAll(async () => {
  await onnx.close();
  await rm(folder, { recursive: true, force: true });
});

async function programFolder(name: string, gain: string, program = PROGRAM, fields = {}): Promise<string> {
  const place = join(folder, name);
  await mkdir(place);
  await writeFile(join(place, 'embed.py'), program.replace('GAIN', gain));
  await writeFile(join(place, 'run.sh'), '#!/bin/sh\nexec python3 embed.py\n');
  await chmod(join(place, 'run.sh'), 0o755);
  await writeFile(join(place, 'golden.json'), JSON.stringify({ tolerance: 0.01, cases: [{ rows: 8, columns: 8, seed: 3, low: 100, high: 3000, shape: [4, 1, 1], expected: expectedOf() }] }));
  const { input, output, quantization, rgb, min_valid: least } = manifest;
  await writeFile(join(place, 'operator.json'), JSON.stringify({
    name, version: '1.0.0', title: 'Halves', description: 'Means of two bands in both halves of a patch, for a test.', license: 'MIT',
    kind: 'exec', command: ['./run.sh'], files: {}, resources: { memory_mib: 512, seconds: 60 }, input, patch: 8, halo: 0, output, quantization, rgb, min_valid: least, golden: 'golden.json', ...fields,
  }));
  await updateFiles(place);
  return place;
}

/** What the program must give, computed here. */
function expectedOf(): number[] {
  const samples = goldenInput(2 * 64, { seed: 3, low: 100, high: 3000 });
  return [0, 4].flatMap((half) => [0, 1].map((band) => samples.reduce((sum, v, i) => sum + (Math.floor(i / 64) === band && i % 8 >= half && i % 8 < half + 4 ? v : 0), 0) / 32));
}

async function judge(source: string, sets = [madeUpLandscapes(2)]): Promise<ReleaseReport> {
  const programs = openRuntime('containerless', { scratch: join(folder, 'runs') });
  return release({ folder: source, out: `${source}-out`, registry: null, publish: false, runtimes: { onnx, programs: () => programs }, sets, by: 'someone', tags: [], latest: true, laminaVersion: '0.1.0' });
}

describe.skipIf(!python)(python ? 'an operator that is a program' : why, () => {
  it('passes the same gate, with the memory of its processes', async () => {
    const report = await judge(await programFolder('halves', '1.0'));
    expect(report.stages.find(({ stage }) => stage === 'test')!.detail).toMatch(/^11 checks/);
    expect(report.status).toBe('tested');
    const memory = report.test!.checks.find(({ check }) => check === 'memory')!;
    expect(memory.figures[0]).toMatchObject({ at_most: 512, unit: 'MiB' });
    expect(memory.figures[0]!.value).toBeGreaterThan(1);
    expect(report.stages.find(({ stage }) => stage === 'dependencies')!.warnings[0]).toContain('no file that holds versions of libraries fast');
  }, 120_000);

  it('is refused when it gives other numbers in every run', async () => {
    const report = await judge(await programFolder('whims', '(1 + os.getpid() % 1000 / 1e6)'), []);
    expect(report.test!.checks.filter(({ status }) => status === 'failed').map(({ check }) => check)).toContain('determinism');
  }, 120_000);

  it('is refused with what it said when it fails, without paths of this machine', async () => {
    const report = await judge(await programFolder('broken', '1.0', "raise SystemExit('no weights were found')"), []);
    const { detail } = report.test!.checks[0]!;
    expect(detail).toContain('no weights were found');
    expect(detail).not.toContain(folder);
    expect(report.test!.checks.filter(({ status }) => status === 'skipped')).toHaveLength(8);
  }, 60_000);
});
