/** The process descriptions state the facts of the standard, in our own words; schemas are the standard's (ADR 27). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { errorCodes, otherWordings } from '../../src/error-codes.ts';
import type { ProcessDescription } from '../../src/graph/wire.ts';

const specification = '../shared/spec/openeo/processes-2.0.0-rc.2';
const own = ['compress_embed', 'embedding_quantize', 'resample_to_grid'];
const ids = readdirSync('processes').filter((file) => file.endsWith('.json')).map((file) => file.replace(/\.json$/, ''));
const ofTheStandard = ids.filter((id) => !own.includes(id));

function ours(id: string): ProcessDescription {
  return JSON.parse(readFileSync(`processes/${id}.json`, 'utf8')) as ProcessDescription;
}

function theirs(id: string): ProcessDescription {
  const path = [`${specification}/${id}.json`, `${specification}/proposals/${id}.json`].find((file) => existsSync(file));
  return JSON.parse(readFileSync(path!, 'utf8')) as ProcessDescription;
}

/** A value without the prose in it, so that only facts remain. Schemas count whole: clients and the test suite of openEO compare them. */
function facts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(facts);
  if (typeof value !== 'object' || value === null) return value;
  const prose = (key: string, item: unknown) => (key === 'title' || key === 'description') && typeof item === 'string';
  return Object.fromEntries(Object.entries(value).filter(([key, item]) => !prose(key, item)).map(([key, item]) => [key, key === 'schema' ? item : facts(item)]));
}

function factsOf({ id, categories, experimental = false, deprecated = false, parameters, returns, exceptions = {} }: ProcessDescription) {
  return { id, categories, experimental, deprecated, parameters: facts(parameters), returns: facts(returns), exceptions: Object.keys(exceptions) };
}

/** Sentences of some length outside of schemas, for finding text that was copied. */
function sentencesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(sentencesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).filter(([key]) => key !== 'schema').flatMap(([key, item]) =>
    key === 'description' && typeof item === 'string' ? item.split(/(?<=[.!?])\s+|\n+/).filter((sentence) => sentence.length > 45) : sentencesOf(item));
}

if (existsSync(specification)) {
  describe.each(ofTheStandard)('%s', (id) => {
    it('has the facts of the standard', () => {
      expect(factsOf(ours(id))).toEqual(factsOf(theirs(id)));
    });

    it('is in our own words', () => {
      const copied = new Set(sentencesOf(theirs(id)));
      expect(sentencesOf(ours(id)).filter((sentence) => copied.has(sentence))).toEqual([]);
    });
  });
} else {
  it.skip('skipped: ../shared/spec/openeo is absent, the facts of the standard cannot be compared');
}

describe.each(ids)('%s', (id) => {
  const process = ours(id);

  it('says what it does and what each parameter means', () => {
    expect(process.id).toBe(id);
    expect(process.summary).toMatch(/^.{2,60}$/);
    expect(process.description).toMatch(/\w{3}/);
    expect(process.returns.description).toMatch(/\w/);
    for (const parameter of process.parameters) expect(parameter.description, parameter.name).toMatch(/\w{3}/);
  });

  it('throws only errors that the service knows', () => {
    for (const [code, { message }] of Object.entries(process.exceptions ?? {})) {
      expect(errorCodes).toHaveProperty(code);
      expect([errorCodes[code as keyof typeof errorCodes].message, (otherWordings as Record<string, string>)[code]]).toContain(message);
    }
  });

  it('refers to processes that exist', () => {
    const named = [...JSON.stringify(process).matchAll(/``(\w+)\(\)``/g)].map((match) => match[1]!);
    expect(named.filter((name) => !ids.includes(name))).toEqual([]);
  });

  it('gives examples that fit its parameters', () => {
    const names = process.parameters.map((parameter) => parameter.name);
    const required = process.parameters.filter((parameter) => !parameter.optional).map((parameter) => parameter.name);
    for (const example of (process.examples ?? []) as { arguments: object }[]) {
      const given = Object.keys(example.arguments);
      expect(names).toEqual(expect.arrayContaining(given));
      expect(given).toEqual(expect.arrayContaining(required));
    }
  });
});
