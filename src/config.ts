/**
 * Every setting of the service: one table, read once by the composition roots, passed on as values.
 * docs/configuration.md lists exactly this table; a test compares them.
 */
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';

interface Setting<T> {
  readonly env: string;
  readonly parse: (text: string) => T;
  /** Absent: null when the variable is not set. */
  readonly fallback?: T;
}

const logLevels = ['error', 'warning', 'info', 'debug'] as const;

const settings = {
  port: { env: 'LAMINA_PORT', parse: integer(0, 65535), fallback: 8080 },
  host: { env: 'LAMINA_HOST', parse: text, fallback: '127.0.0.1' },
  data: { env: 'LAMINA_DATA', parse: (value: string) => resolve(value), fallback: resolve('data') },
  collections: { env: 'LAMINA_COLLECTIONS', parse: absolutePath },
  stacSchemas: { env: 'LAMINA_STAC_SCHEMAS', parse: absolutePath },
  publicUrl: { env: 'LAMINA_PUBLIC_URL', parse: url('http:', 'https:') },
  databaseUrl: { env: 'LAMINA_DATABASE_URL', parse: url('postgres:', 'postgresql:') },
  redisUrl: { env: 'LAMINA_REDIS_URL', parse: url('redis:', 'rediss:') },
  s3Endpoint: { env: 'LAMINA_S3_ENDPOINT', parse: url('http:', 'https:') },
  s3Bucket: { env: 'LAMINA_S3_BUCKET', parse: bucket, fallback: 'lamina' },
  s3Region: { env: 'LAMINA_S3_REGION', parse: text, fallback: 'us-east-1' },
  s3AccessKey: { env: 'LAMINA_S3_ACCESS_KEY', parse: text },
  s3SecretKey: { env: 'LAMINA_S3_SECRET_KEY', parse: text },
  basicUsers: { env: 'LAMINA_BASIC_USERS', parse: users },
  oidcFile: { env: 'LAMINA_OIDC_FILE', parse: absolutePath },
  basicAuth: { env: 'LAMINA_BASIC_AUTH', parse: oneOf('on', 'off'), fallback: 'on' as 'on' | 'off' },
  /** null: the development user, and nobody when there are configured users. */
  editors: { env: 'LAMINA_EDITORS', parse: names },
  webhookToken: { env: 'LAMINA_WEBHOOK_TOKEN', parse: token },
  secret: { env: 'LAMINA_SECRET', parse: secret },
  tokenHours: { env: 'LAMINA_TOKEN_HOURS', parse: integer(1, 24 * 365), fallback: 24 },
  linkHours: { env: 'LAMINA_LINK_HOURS', parse: integer(1, 24 * 365), fallback: 24 },
  requestsPerAddress: { env: 'LAMINA_REQUESTS_PER_ADDRESS', parse: integer(0, 10_000_000), fallback: 60_000 },
  requestsPerUser: { env: 'LAMINA_REQUESTS_PER_USER', parse: integer(0, 10_000_000), fallback: 30_000 },
  trustedProxies: { env: 'LAMINA_TRUSTED_PROXIES', parse: addresses, fallback: [] as readonly string[] },
  udfSeconds: { env: 'LAMINA_UDF_SECONDS', parse: integer(1, 3600), fallback: 20 },
  udfMemoryMegabytes: { env: 'LAMINA_UDF_MEMORY_MB', parse: integer(16, 2048), fallback: 128 },
  allowedHosts: { env: 'LAMINA_ALLOWED_HOSTS', parse: hosts, fallback: [] as readonly string[] },
  upstreamSecrets: { env: 'LAMINA_UPSTREAM_SECRETS', parse: absolutePath },
  embedThreads: { env: 'LAMINA_EMBED_THREADS', parse: integer(1, 256), fallback: Math.min(8, availableParallelism()) },
  /** null: 8, and 1 on the CPU. */
  embedBatch: { env: 'LAMINA_EMBED_BATCH', parse: integer(1, 64) },
  executionProviders: { env: 'LAMINA_EXECUTION_PROVIDERS', parse: providers, fallback: ['cpu'] as readonly string[] },
  runtimes: { env: 'LAMINA_RUNTIMES', parse: runtimes, fallback: ['onnx', 'bubblewrap'] as readonly string[] },
  operatorSeconds: { env: 'LAMINA_OPERATOR_SECONDS', parse: integer(1, 24 * 3600), fallback: 300 },
  operatorMemoryMegabytes: { env: 'LAMINA_OPERATOR_MEMORY_MB', parse: integer(64, 1024 * 1024), fallback: 4096 },
  batchOptions: { env: 'LAMINA_BATCH_OPTIONS', parse: text, fallback: '' },
  batchAllowed: { env: 'LAMINA_BATCH_ALLOWED', parse: text, fallback: '' },
  operators: { env: 'LAMINA_OPERATORS', parse: registries, fallback: ['store'] as readonly string[] },
  operatorKeys: { env: 'LAMINA_OPERATOR_KEYS', parse: absolutePath },
  unsignedOperators: { env: 'LAMINA_UNSIGNED_OPERATORS', parse: oneOf('run', 'isolate', 'refuse'), fallback: 'isolate' as 'run' | 'isolate' | 'refuse' },
  operatorCacheBytes: { env: 'LAMINA_OPERATOR_CACHE_BYTES', parse: integer(0, Number.MAX_SAFE_INTEGER), fallback: 20 * 1024 ** 3 },
  workerConcurrency: { env: 'LAMINA_WORKER_CONCURRENCY', parse: integer(1, 64), fallback: 2 },
  cacheBytes: { env: 'LAMINA_CACHE_MIB', parse: (value: string) => integer(16, 1024 * 1024)(value) * 1024 * 1024, fallback: 256 * 1024 * 1024 },
  storeBytes: { env: 'LAMINA_STORE_BYTES', parse: integer(0, Number.MAX_SAFE_INTEGER), fallback: 20 * 1024 ** 3 },
  userStorageBytes: { env: 'LAMINA_USER_STORAGE_BYTES', parse: integer(0, Number.MAX_SAFE_INTEGER), fallback: 5 * 1024 ** 3 },
  uploadMaxBytes: { env: 'LAMINA_UPLOAD_MAX_BYTES', parse: integer(1, Number.MAX_SAFE_INTEGER), fallback: 2 * 1024 ** 3 },
  workspaces: { env: 'LAMINA_WORKSPACES', parse: workspaces, fallback: [] as readonly WorkspaceConfig[] },
  syncMaxPixels: { env: 'LAMINA_SYNC_MAX_PIXELS', parse: integer(1, 1e12), fallback: 250_000_000 },
  syncTimeoutSeconds: { env: 'LAMINA_SYNC_TIMEOUT_SECONDS', parse: integer(1, 24 * 3600), fallback: 300 },
  syncMaxWaiting: { env: 'LAMINA_SYNC_MAX_WAITING', parse: integer(1, 100_000), fallback: 64 },
  syncMaxPerUser: { env: 'LAMINA_SYNC_MAX_PER_USER', parse: integer(1, 100_000), fallback: 8 },
  servicesMaxPerUser: { env: 'LAMINA_SERVICES_MAX_PER_USER', parse: integer(0, 100_000), fallback: 100 },
  jobsMaxQueued: { env: 'LAMINA_JOBS_MAX_QUEUED', parse: integer(1, 100_000), fallback: 200 },
  resultDays: { env: 'LAMINA_RESULT_DAYS', parse: integer(0, 36_500), fallback: 0 },
  billingFile: { env: 'LAMINA_BILLING_FILE', parse: absolutePath },
  tileMaxWaiting: { env: 'LAMINA_TILE_MAX_WAITING', parse: integer(1, 100_000), fallback: 256 },
  tileDeadlineSeconds: { env: 'LAMINA_TILE_DEADLINE_SECONDS', parse: integer(1, 600), fallback: 20 },
  logLevel: { env: 'LAMINA_LOG_LEVEL', parse: oneOf(...logLevels), fallback: 'info' as (typeof logLevels)[number] },
} as const;

type Settings = typeof settings;
type ValueOf<S> = S extends { parse: (text: string) => infer T; fallback: unknown } ? T : S extends { parse: (text: string) => infer T } ? T | null : never;

export interface BasicUser {
  readonly name: string;
  readonly password: string;
}

/** A place that export_workspace writes to. */
export interface WorkspaceConfig {
  readonly name: string;
  readonly place: { readonly directory: string } | { readonly bucket: string; readonly prefix: string };
}

export interface S3Config {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export type Config = { readonly [K in Exclude<keyof Settings, `s3${string}`>]: ValueOf<Settings[K]> } & {
  /** null: objects lie in the data directory. */
  readonly s3: S3Config | null;
};

/** Names of all variables, in the order of the table. */
export const settingNames: readonly string[] = Object.values(settings).map((setting) => setting.env);

/**
 * Reads the settings from an environment; empty variables count as not set.
 *
 * @throws one Error that names every problem, so that a deployment is mended in one round
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const read = ([key, setting]: [string, Setting<unknown>]) => [key, readSetting(setting, environment, problems)];
  const { s3Endpoint, s3Bucket, s3Region, s3AccessKey, s3SecretKey, ...rest } = Object.fromEntries(Object.entries(settings).map(read)) as { [K in keyof Settings]: ValueOf<Settings[K]> };
  if (s3Endpoint !== null && (s3AccessKey === null || s3SecretKey === null)) {
    problems.push('LAMINA_S3_ENDPOINT needs LAMINA_S3_ACCESS_KEY and LAMINA_S3_SECRET_KEY beside it');
  }
  if (s3Endpoint === null && rest.operators.some((place) => place.startsWith('s3:'))) problems.push('LAMINA_OPERATORS names a bucket, which needs LAMINA_S3_ENDPOINT');
  if (s3Endpoint === null && rest.workspaces.some(({ place }) => 'bucket' in place)) problems.push('LAMINA_WORKSPACES names a bucket, which needs LAMINA_S3_ENDPOINT');
  const unknown = Object.keys(environment).filter((name) => name.startsWith('LAMINA_') && !settingNames.includes(name));
  if (unknown.length > 0) problems.push(`${unknown.join(', ')}: there is no such setting`);
  if (problems.length > 0) throw new Error(`The configuration is not valid:\n  ${problems.join('\n  ')}`);
  const s3 = s3Endpoint === null ? null : { endpoint: s3Endpoint, bucket: s3Bucket, region: s3Region, accessKey: s3AccessKey!, secretKey: s3SecretKey! };
  return Object.freeze({ ...rest, s3 });
}

function readSetting(setting: Setting<unknown>, environment: Readonly<Record<string, string | undefined>>, problems: string[]): unknown {
  const value = environment[setting.env]?.trim() ?? '';
  if (value === '') return setting.fallback ?? null;
  try {
    return setting.parse(value);
  } catch (error) {
    problems.push(`${setting.env} ${(error as Error).message}`);
    return null;
  }
}

function text(value: string): string {
  return value;
}

function absolutePath(value: string): string {
  if (!isAbsolute(value)) throw new Error(`must be an absolute path, not "${value}"`);
  return resolve(value);
}

function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < min || number > max) throw new Error(`must be a whole number from ${min} to ${max}, not "${value}"`);
    return number;
  };
}

/** Without a slash at the end. The value is not repeated in messages: it may hold a password. */
function url(...protocols: string[]): (value: string) => string {
  return (value) => {
    const parsed = URL.canParse(value) ? new URL(value) : null;
    if (parsed === null || !protocols.includes(parsed.protocol)) throw new Error(`must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
    return value.replace(/\/+$/, '');
  };
}

function oneOf<T extends string>(...allowed: readonly T[]): (value: string) => T {
  return (value) => {
    const found = allowed.find((each) => each === value.toLowerCase());
    if (found === undefined) throw new Error(`must be one of ${allowed.join(', ')}, not "${value}"`);
    return found;
  };
}

/** What operators may run in: 'bubblewrap', 'slurm+podman', … */
function runtimes(value: string): readonly string[] {
  return value.split(',').map((entry) => {
    const name = entry.trim().toLowerCase();
    if (!/^(onnx|((slurm|pbs|lsf)\+)?(containerless|bubblewrap|sandbox|proot|podman|docker|apptainer))$/.test(name)) throw new Error(`must be names of runtimes (onnx, bubblewrap, proot, podman, docker, apptainer, containerless, each of the last six also as slurm+…, pbs+… and lsf+…), not "${entry}"`);
    return name;
  });
}

/** ONNX Runtime's execution providers that operators run on, best first. */
function providers(value: string): readonly string[] {
  return value.split(',').map((name) => oneOf('cpu', 'cuda', 'tensorrt', 'webgpu')(name.trim()));
}

/** Hosts that may be read although their addresses are internal: 'host' or 'host:port'. */
function hosts(value: string): readonly string[] {
  return value.split(',').map((entry) => {
    const host = entry.trim().toLowerCase();
    if (!/^([a-z0-9_.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/.test(host)) throw new Error(`must be host,host:port (an IPv6 address in brackets), not "${entry}"`);
    return host;
  });
}

/** Addresses or networks of proxies: '10.0.0.7', '10.0.0.0/8', '::1'. */
function addresses(value: string): readonly string[] {
  return value.split(',').map((entry) => {
    const [address = '', bits, ...more] = entry.trim().split('/');
    const most = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) === 0 || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) throw new Error(`must be address,address/bits of proxies, not "${entry}"`);
    return entry.trim();
  });
}

function bucket(value: string): string {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value)) throw new Error('must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens');
  return value;
}

function names(value: string): readonly string[] {
  return value.split(',').map((entry) => {
    const name = entry.trim();
    if (!/^[\w\-.~]+$/.test(name)) throw new Error(`must be name,name of users, not "${entry}"`);
    return name;
  });
}

function workspaces(value: string): readonly WorkspaceConfig[] {
  const list = value.split(',').map((entry): WorkspaceConfig => {
    const [, name, target] = /^\s*([\w\-.~]+)=(.+?)\s*$/.exec(entry) ?? [];
    const [, bucketName, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(target ?? '') ?? [];
    if (name === undefined || target === undefined || name === 'user' || (bucketName === undefined && !isAbsolute(target))) {
      throw new Error(`must be name=/directory or name=s3://bucket/prefix, separated by commas, with names of letters, digits and _-.~ other than 'user', not "${entry}"`);
    }
    if (bucketName === undefined) return { name, place: { directory: resolve(target) } };
    return { name, place: { bucket: bucket(bucketName), prefix: prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/` } };
  });
  if (new Set(list.map(({ name }) => name)).size < list.length) throw new Error('has a name twice');
  return list;
}

/** Registries of operators, in the order in which they are asked. */
function registries(value: string): readonly string[] {
  if (value === 'none') return [];
  return value.split(',').map((entry) => {
    const place = entry.trim();
    if (place === 'store') return place;
    if (isAbsolute(place)) return resolve(place);
    const isUrl = (/^https?:\/\/[^/]/.test(place) && URL.canParse(place)) || /^oci-layout:\/./.test(place) || (/^oci(\+http)?:\/\/[^/]/.test(place) && URL.canParse(place));
    // Not repeated: it may hold a password.
    if (!isUrl && !/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/.test(place)) throw new Error("must be 'none', or 'store', /directory, s3://bucket/prefix, https://host/path, oci://host/prefix and oci-layout:/directory, separated by commas");
    return place;
  });
}

function token(value: string): string {
  if (!/^[\x21-\x7e]{16,}$/.test(value)) throw new Error('must have at least 16 characters, without blanks');
  return value;
}

function secret(value: string): string {
  if (value.length < 32) throw new Error('must have at least 32 characters');
  return value;
}

function users(value: string): readonly BasicUser[] {
  return value.split(',').map((entry, index) => {
    const [, name, password] = /^\s*([\w\-.~]+):(.+?)\s*$/.exec(entry) ?? [];
    // The entry is not repeated: it may hold a password.
    if (name === undefined || password === undefined) throw new Error(`must be name:password,name:password; entry ${index + 1} is not (names have letters, digits and _-.~, passwords no comma)`);
    return { name, password };
  });
}
