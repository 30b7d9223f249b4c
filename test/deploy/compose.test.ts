/** docker-compose.yml describes the deployed shape, and the compose tool accepts it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const text = readFileSync('docker-compose.yml', 'utf8');

/** The compose tool of this machine: the plugin of the docker CLI, or the older program of its own. */
function composeCommand(): string[] | null {
  const candidates = [['docker', 'compose'], ['docker-compose']];
  return candidates.find(([program, ...rest]) => spawnSync(program!, [...rest, 'version']).status === 0) ?? null;
}

/** The lines of each service, by name. The file is indented by two spaces, like every file here. */
function services(): Map<string, string> {
  const body = /^services:\n([\s\S]*?)^(?=\S)/m.exec(text)![1]!;
  const parts = body.split(/^ {2}(?=[a-z])/m).slice(1);
  return new Map(parts.map((part) => [/^[\w-]+/.exec(part)![0], part]));
}

const required = ['LAMINA_BASIC_USERS', 'POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'LAMINA_S3_ACCESS_KEY', 'LAMINA_S3_SECRET_KEY'];

function environmentFile(names: readonly string[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'lamina-compose-')), 'environment');
  writeFileSync(path, names.map((name) => `${name}=secret1\n`).join(''));
  return path;
}

describe('docker-compose.yml', () => {
  it('has the services of the deployed shape', () => {
    expect([...services().keys()].sort()).toEqual(['api', 'postgres', 'redis', 's3', 'worker', 'worker-gpu']);
  });

  it('starts the GPU worker only on request', () => {
    expect(services().get('worker-gpu')).toMatch(/profiles: \[gpu\]/);
    for (const [name, lines] of services()) if (name !== 'worker-gpu') expect(lines, name).not.toMatch(/profiles:/);
  });

  it('checks the health of every service that can be asked', () => {
    for (const [name, lines] of services()) expect(lines, name).toMatch(name.startsWith('worker') ? /healthcheck:\n {6}disable: true/ : /healthcheck:\n {6}test:/);
  });

  it('keeps state in named volumes and passwords out of the file', () => {
    for (const [, lines] of services()) expect(lines).not.toMatch(/^ {6}- [./~]/m);
    const secrets = [...text.matchAll(/(?:PASSWORD|SECRET_KEY|ACCESS_KEY|ACCESS_KEY_ID|USERS|AUTH): (.*)$/gm)].map((match) => match[1]!);
    expect(secrets.length).toBeGreaterThan(5);
    for (const value of secrets) expect(value).toMatch(/^\$\{\w+:\?/);
  });

  it('takes only settings that .env.example explains', () => {
    const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1]!));
    const explained = [...readFileSync('.env.example', 'utf8').matchAll(/^(\w+)=/gm)].map((match) => match[1]!);
    expect([...used].sort()).toEqual(explained.sort());
  });
});

const compose = composeCommand();
if (compose === null) {
  it.skip('skipped: neither `docker compose` nor docker-compose is installed', () => {});
} else {
  const run = (...args: string[]) => spawnSync(compose[0]!, [...compose.slice(1), ...args], { encoding: 'utf8', env: { PATH: process.env.PATH } });

  describe(`${compose.join(' ')} config`, () => {
    it('accepts the file', () => {
      const { status, stderr } = run('--env-file', environmentFile(required), 'config', '--quiet');
      expect(stderr).toBe('');
      expect(status).toBe(0);
    });

    it('knows the services with and without the GPU profile', () => {
      const file = environmentFile(required);
      const names = (...profile: string[]) => run(...profile, '--env-file', file, 'config', '--services').stdout.trim().split('\n').sort();
      expect(names('--profile', 'gpu')).toEqual(['api', 'postgres', 'redis', 's3', 'worker', 'worker-gpu']);
      expect(names().length).toBeGreaterThanOrEqual(5);
    });

    it.each(required)('refuses to start without %s', (name) => {
      const { status, stderr } = run('--env-file', environmentFile(required.filter((other) => other !== name)), 'config', '--quiet');
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/set/);
    });
  });
}

describe('Dockerfile', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8');

  it('uses the Node version of the project', () => {
    const version = readFileSync('.node-version', 'utf8').trim();
    const project = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
    expect(project.dependencies.node).toBe(version);
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]!).filter((base) => base.startsWith('node:'));
    expect(new Set(bases)).toEqual(new Set([`node:${version}-bookworm-slim`]));
  });

  it('runs as an ordinary user, with a health check, and installs from the lock file', () => {
    const stages = dockerfile.split(/^(?=FROM )/m);
    for (const stage of stages.filter((lines) => lines.includes('ENTRYPOINT'))) {
      expect(stage).toMatch(/^USER node$/m);
      if (stage.includes('CMD ["api"]')) expect(stage).toMatch(/^HEALTHCHECK /m);
    }
    expect(dockerfile).toMatch(/npm ci --omit=dev/);
    expect(dockerfile).not.toMatch(/npm install/);
  });

  it('has the tools of the runtime that programs get where nobody says otherwise', () => {
    for (const stage of dockerfile.split(/^(?=FROM )/m).filter((lines) => lines.includes('ENTRYPOINT'))) expect(stage).toMatch(/apt-get install .*\bbubblewrap\b/);
  });

  it('copies only what git has, and .dockerignore lets it through', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]!.split(' '));
    const allowed = readFileSync('.dockerignore', 'utf8').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(allowed.sort()).toEqual([...new Set(copied)].sort());
    const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n');
    for (const path of copied) expect(tracked.some((file) => file === path || file.startsWith(`${path}/`)), path).toBe(true);
  });
});
