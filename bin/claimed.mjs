#!/usr/bin/env node
// The command `claimed` of CLAIMED and Embed2Scale's deliverable D3.1, whose calls work unchanged:
//   claimed --component containerless/ai-compressor:latest --input a.tif --output b.tif --parameter value
process.argv.splice(2, 0, 'run');
await import('./lamina.mjs');
