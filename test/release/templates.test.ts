/** The templates for pipelines call the command that everybody calls, with options that it has, and let nothing that people type become code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const options = [...readFileSync('src/commands/release.ts', 'utf8').matchAll(/(?:^|[\s{])'?([a-z][a-z-]*)'?: \{ type: '(?:string|boolean)'/gm)].map(([, name]) => name);

describe.each(['deploy/ci/gitlab.yml', 'deploy/ci/github.yml'])('%s', (path) => {
  const template = readFileSync(path, 'utf8');
  const calls = template.split('\n').filter((line) => line.includes('$LAMINA operator'));

  it('judges what is proposed and releases what is tagged', () => {
    expect(calls.map((call) => /operator (\w+)/.exec(call)![1])).toEqual(['test', 'release']);
  });

  it('uses options that there are', () => {
    const used = [...template.matchAll(/ --([a-z][a-z-]*)/g)].map(([, name]) => name!).filter((name) => name !== 'user');
    expect(used.length).toBeGreaterThan(8);
    for (const name of used) expect(options, name).toContain(name);
  });

  it('puts every value between quotes, and nothing that people type into the script', () => {
    for (const call of calls) expect(call.replace(/"\$[@\w]+"/g, '').replace('$LAMINA ', '')).not.toContain('$');
    const script = template.split('\n').filter((line) => /^\s*(- |run: |test |lamina )/.test(line) && line.includes('lamina'));
    expect(script.join('\n')).not.toContain('${{ inputs');
  });

  it('has no secret in it and keeps the report whatever comes of it', () => {
    expect(template).not.toMatch(/KEY: ['"]?[A-Za-z0-9]{8,}/);
    expect(template).toMatch(/when: always|if: always\(\)/);
  });
});
