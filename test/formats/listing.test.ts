/** What GET /file_formats promises: every parameter is described, takes effect (has tests), and others are refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resultFormats } from '../../src/formats/index.ts';
import { testContext, testCube } from './cubes.ts';

const tests = readdirSync('test/formats', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && !name.endsWith('listing.test.ts'))
  .map((name) => readFileSync(`test/formats/${name}`, 'utf8'))
  .join('\n');

/** The part of JSON Schema that clients draw forms of. */
const WORDS = new Set(['description', 'type', 'enum', 'minimum', 'maximum', 'pattern', 'items', 'default']);

describe.each(Object.entries(resultFormats))('%s', (_, format) => {
  const parameters = Object.entries(format.description.parameters) as [string, Record<string, unknown>][];

  it('describes every parameter as a schema, whose default fits it', () => {
    for (const [name, schema] of parameters) {
      expect(Object.keys(schema).filter((word) => !WORDS.has(word)), name).toEqual([]);
      expect(schema['description'], name).toMatch(/\.$/);
      if (schema['default'] !== undefined && schema['enum']) expect(schema['enum'], name).toContain(schema['default']);
    }
  });

  it('has tests of every parameter', () => {
    for (const [name] of parameters) expect(tests, name).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('refuses another, and names those there are', async () => {
    const context = await testContext();
    const names = parameters.map(([name]) => name).join(', ');
    await expect(format.write(testCube(), { 'no-such': 1 }, context)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(`there are ${names}`) as string });
    expect(await context.names()).toEqual([]);
    await context.remove();
  });
});
