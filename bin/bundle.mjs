#!/usr/bin/env node
// Runs a bundle of Lamina, on a machine that has nothing but Node: node run.mjs. `lamina bundle` copies this file.
// Plain JavaScript, so that an older Node can say what is wrong.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// ONNX Runtime would report to its makers what it runs.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

const { machine } = JSON.parse(readFileSync(new URL('bundle.json', import.meta.url), 'utf8'));
const wanted = `Node ${machine.node} or newer on ${machine.platform}-${machine.arch}`;
const [major] = process.versions.node.split('.').map(Number);

if (major < machine.node || process.platform !== machine.platform || process.arch !== machine.arch) {
  process.stderr.write(`This bundle needs ${wanted}, and this is Node ${process.versions.node} on ${process.platform}-${process.arch}.\n`);
  process.exitCode = 1;
} else {
  const { runBundle } = await import('./lamina/src/commands/bundle-program.ts');
  await runBundle(fileURLToPath(new URL('.', import.meta.url)), process.argv.slice(2), process.env);
}
