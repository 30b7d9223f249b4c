/** The documents agree with the project: packages, commands, folders, links. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Package {
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

const project = JSON.parse(readFileSync('package.json', 'utf8')) as Package;
const documents = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
];

/** Names in the first column of the tables under a heading. */
function firstColumn(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading))!;
  return [...section.matchAll(/^\| ([^|]+) \|/gm)].flatMap((match) => match[1]!.split(', ')).map((cell) => cell.trim()).filter((cell) => cell !== 'package');
}

describe('docs/dependencies.md', () => {
  const text = readFileSync('docs/dependencies.md', 'utf8');

  it('has a reason for every package, and for none that is gone', () => {
    expect(firstColumn(text, 'At run time').sort()).toEqual(Object.keys(project.dependencies).sort());
    expect(firstColumn(text, 'For development').sort()).toEqual(Object.keys(project.devDependencies).sort());
  });
});

it('every version is exact', () => {
  for (const version of Object.values({ ...project.dependencies, ...project.devDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
});

describe.each(documents)('%s', (document) => {
  const text = readFileSync(document, 'utf8');

  it('links to files that exist', () => {
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!);
    for (const target of targets) expect(existsSync(join(dirname(document), target)), target).toBe(true);
  });

  it('names npm scripts that exist', () => {
    const scripts = [...text.matchAll(/`npm (?:run )?(?:--silent )?(start|test|types|lint|bench|lamina)\b/g)].map((match) => match[1]!);
    expect(Object.keys(project.scripts)).toEqual(expect.arrayContaining(scripts));
  });
});

it('docs/architecture.md explains every folder of src', () => {
  const text = readFileSync('docs/architecture.md', 'utf8');
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const folder of folders) expect(text).toMatch(new RegExp(`^  ${folder}/ `, 'm'));
});
