/** Closes a runtime in the middle of a long inference and exits at once: a native abort would show in the exit code. */
import { silentLog } from '../../../src/log.ts';
import { openRegistry } from '../../../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../../../src/operators/runtime/onnx.ts';
import { operatorsDirectory } from '../golden.ts';

const conv = (await openRegistry(operatorsDirectory)).resolve('conv');
const bands = conv.manifest.input.bands.length;
const runtime = createOnnxRuntime({ threads: 1, log: silentLog });
const small = conv.manifest.patch + 2 * conv.manifest.halo;
await runtime.run(conv, new Float32Array(bands * small * small), small, small);

const edge = 100 * conv.manifest.patch + 2 * conv.manifest.halo;
const input = new Float32Array(new SharedArrayBuffer(bands * edge * edge * 4)).fill(900);
const blocks = Array.from({ length: 8 }, () => runtime.run(conv, input, edge, edge));
const settled = Promise.allSettled(blocks);
await new Promise((resolve) => setTimeout(resolve, 50));
const begun = performance.now();
await runtime.close();
const waited = performance.now() - begun;
const failed = (await settled).filter((outcome) => outcome.status === 'rejected').length;
if (failed !== blocks.length) throw new Error(`${failed} of ${blocks.length} blocks were refused`);
if (waited > 5_000) throw new Error(`closing took ${waited} ms: waiting blocks were computed`);
process.stdout.write('closed\n');
process.exit(0);
