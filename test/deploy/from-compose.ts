/**
 * docker-compose.yml as manifests of Kubernetes: what is in deploy/kubernetes/lamina.yaml follows from it, but for what compose has no words
 * for, which stands in a table here. Whatever this knows no way to say throws, so that nothing is left out in silence.
 */

export interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly profiles?: readonly string[];
  readonly healthcheck: { readonly disable: true } | { readonly test: readonly string[]; readonly interval: string; readonly timeout: string; readonly start_period?: string; readonly retries: number };
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly cap_drop?: readonly string[];
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [key: string]: unknown;
}

/** What compose has no words for. */
const sizes: Readonly<Record<string, string>> = { data: '10Gi', archive: '100Gi', redis: '2Gi', postgres: '20Gi', s3: '100Gi' };
const shares: Readonly<Record<string, { readonly replicas: number; readonly cpu: string; readonly memory: string; readonly most: string }>> = {
  api: { replicas: 1, cpu: '250m', memory: '512Mi', most: '2Gi' },
  worker: { replicas: 2, cpu: '1', memory: '1Gi', most: '4Gi' },
};
/** The volume's own folder holds lost+found, which initdb takes for data. */
const moreEnvironment: Readonly<Record<string, readonly { name: string; value: string }[]>> = { postgres: [{ name: 'PGDATA', value: '/var/lib/postgresql/data/lamina' }] };
/** What a process writes for itself alone, in a volume that all nodes share. */
const OWN = ['scratch', 'operators'];
const SECRET = 'lamina';

/** One object after the other: settings, claims, then per service its Service and what runs it. */
export function kubernetesOf(compose: Compose): Manifest[] {
  // Which nodes have GPUs, and how they are asked for, differs from cluster to cluster.
  const services = Object.entries(compose.services).filter(([, { profiles }]) => profiles === undefined);
  const usersOf = (volume: string) => services.filter(([, { volumes }]) => volumes.some((entry) => mountOf(entry).name === volume)).length;
  const shared = Object.keys(compose.volumes).filter((name) => usersOf(name) > 1);
  const ports = portsOf(services);
  const settings = Object.assign({}, ...services.map(([, { environment = {} }]) => plainSettings(environment))) as Readonly<Record<string, string>>;
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: SECRET }, data: settings },
    ...shared.map((name) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: claim(name, 'ReadWriteMany') })),
    ...services.flatMap(([name, service]) => {
      const port = ports.get(name);
      const isOurs = service.volumes.some((entry) => shared.includes(mountOf(entry).name));
      return [...(port === undefined ? [] : [serviceObject(name, port, isOurs)]), isOurs ? deployment(name, service, port) : statefulSet(name, service, port)];
    }),
  ];
}

function claim(name: string, mode: string): object {
  if (sizes[name] === undefined) throw new Error(`how large is the volume '${name}'? Write it into the table`);
  return { accessModes: [mode], resources: { requests: { storage: sizes[name] } } };
}

/** Where a service listens: what it publishes, or how the settings of others name it: '//…@redis:6379'. */
function portsOf(services: readonly (readonly [string, ComposeService])[]): Map<string, number> {
  const values = services.flatMap(([, { environment = {} }]) => Object.values(environment));
  return new Map(services.flatMap(([name, { ports = [] }]) => {
    const named = values.map((value) => new RegExp(`(?://|@)${name}:(\\d+)`).exec(value)?.[1]).find((port) => port !== undefined);
    const port = ports.length > 0 ? ports[0]!.split(':').at(-1) : named;
    return port === undefined ? [] : [[name, Number(port)] as const];
  }));
}

/** The port of a process of ours is called by its protocol, since that is what probes speak. */
const portName = (name: string, isOurs: boolean) => (isOurs ? 'http' : name);

function serviceObject(name: string, port: number, isOurs: boolean): Manifest {
  const spec = isOurs ? { selector: { app: name }, ports: [{ name: 'http', port, targetPort: 'http' }] } : { clusterIP: 'None', selector: { app: name }, ports: [{ name, port }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

/** '${NAME:-value}', '${NAME:?…}' or '${NAME}'. */
const VARIABLE = /\$\{(\w+)(?:(:-|:\?)([^}]*))?\}/g;

/** What is no secret: literals, and values that variables have when nobody sets them. The secret has the others, made of the same .env file, and goes before. */
function plainSettings(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => {
    if (!name.startsWith('LAMINA_')) return [];
    const [whole, variable, operator, usual] = [...value.matchAll(VARIABLE)][0] ?? [];
    if (whole === undefined) return [[name, value]];
    return whole === value && variable === name && operator === ':-' && usual !== '' ? [[name, usual!]] : [];
  }));
}

/** Variables of one container that the secret does not have under their names. */
function environmentOf(name: string, environment: Readonly<Record<string, string>> = {}): object[] {
  const plain = plainSettings(environment);
  const secrets = new Set<string>();
  const own = Object.entries(environment).flatMap(([key, value]): object[] => {
    if (Object.hasOwn(plain, key)) return [];
    const [first] = [...value.matchAll(VARIABLE)];
    if (!first) return [{ name: key, value }];
    const [whole, variable] = first;
    if (whole === value) return key === variable && key.startsWith('LAMINA_') ? [] : [fromSecret(key, variable!)];
    for (const [, each] of value.matchAll(VARIABLE)) secrets.add(each!);
    return [{ name: key, value: value.replace(VARIABLE, '$($1)') }];
  });
  return [...[...secrets].map((each) => fromSecret(each, each)), ...own, ...(moreEnvironment[name] ?? [])];
}

const fromSecret = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: SECRET, key } } });

/** Secrets stand in no command: it takes them from the variable that has them. */
function argsOf({ command, environment = {} }: ComposeService): readonly string[] | undefined {
  return command?.map((word) => word.replace(VARIABLE, (_, variable: string) => {
    const found = Object.entries(environment).find(([, value]) => new RegExp(`^\\$\\{${variable}\\b`).test(value));
    if (!found) throw new Error(`the command has \${${variable}}, which no variable of the service has`);
    return `$(${found[0]})`;
  }));
}

function deployment(name: string, service: ComposeService, port: number | undefined): Manifest {
  const share = shares[name];
  if (!share) throw new Error(`how much of a machine may '${name}' take? Write it into the table`);
  const mounts = service.volumes.map(mountOf);
  const container = {
    ...containerOf(name, service, port === undefined ? undefined : { name: 'http', containerPort: port }),
    envFrom: [{ configMapRef: { name: SECRET } }, { secretRef: { name: SECRET } }],
    ...probesOf(service, true),
    resources: { requests: { cpu: share.cpu, memory: share.memory }, limits: { memory: share.most } },
    securityContext: securityOf(service),
    volumeMounts: mounts.flatMap(({ name: volume, path, isReadOnly }) => [
      { name: volume, mountPath: path, ...(isReadOnly && { readOnly: true }) },
      ...(isReadOnly ? [] : [...OWN.map((folder) => ({ name: 'own', mountPath: `${path}/${folder}`, subPath: folder })), ...(service.tmpfs ?? []).map((folder) => ({ name: 'own', mountPath: folder, subPath: folder.slice(1) }))]),
    ]),
  };
  const volumes = mounts.flatMap(({ name: volume, isReadOnly }) => [{ name: volume, persistentVolumeClaim: { claimName: volume } }, ...(isReadOnly ? [] : [{ name: 'own', emptyDir: {} }])]);
  const account = { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } };
  const pod = { automountServiceAccountToken: false, enableServiceLinks: false, securityContext: account, containers: [container], volumes };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas: share.replicas, ...template(name, pod) } };
}

function statefulSet(name: string, service: ComposeService, port: number | undefined): Manifest {
  const mounts = service.volumes.map(mountOf);
  const container = { ...containerOf(name, service, port === undefined ? undefined : { name, containerPort: port }), ...probesOf(service, false, name), volumeMounts: mounts.map(({ name: volume, path }) => ({ name: volume, mountPath: path })) };
  const pod = { automountServiceAccountToken: false, enableServiceLinks: false, containers: [container] };
  const claims = mounts.map(({ name: volume }) => ({ metadata: { name: volume }, spec: claim(volume, 'ReadWriteOnce') }));
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name }, spec: { serviceName: name, replicas: 1, ...template(name, pod), volumeClaimTemplates: claims } };
}

const template = (app: string, spec: object) => ({ selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec } });

function containerOf(name: string, service: ComposeService, port: object | undefined): object {
  const args = argsOf(service);
  return { name, image: service.image, ...(args && { args }), env: environmentOf(name, service.environment), ...(port && { ports: [port] }) };
}

function securityOf({ security_opt: options = [], read_only: isReadOnly = false, cap_drop: drop = [] }: ComposeService): object {
  const unknown = options.find((option) => option !== 'no-new-privileges:true');
  if (unknown !== undefined) throw new Error(`'${unknown}': there is no word for it`);
  return { allowPrivilegeEscalation: options.length === 0, readOnlyRootFilesystem: isReadOnly, capabilities: { drop } };
}

/** A check of HTTP is one of Kubernetes' own; of ours Kubernetes also learns when to start them anew, with more patience. */
function probesOf({ healthcheck }: ComposeService, isOurs: boolean, name = ''): object {
  if ('disable' in healthcheck) return {};
  const { test, interval, timeout, start_period: start = '0s', retries } = healthcheck;
  const [kind, ...command] = test;
  if (kind !== 'CMD') throw new Error(`a check '${kind}' has no shell in Kubernetes`);
  const path = command.includes('deploy/health.mjs') ? '/health' : command.map((word) => /^http:\/\/127\.0\.0\.1:\d+(\/.*)$/.exec(word)?.[1]).find((found) => found !== undefined);
  const check = path === undefined ? { exec: { command } } : { httpGet: { path, port: portName(name, isOurs) } };
  const readiness = { readinessProbe: { ...check, periodSeconds: secondsOf(interval), timeoutSeconds: secondsOf(timeout) } };
  if (!isOurs) return readiness;
  return {
    startupProbe: { ...check, periodSeconds: 3, failureThreshold: (2 * secondsOf(start)) / 3 }, ...readiness,
    livenessProbe: { ...check, periodSeconds: 2 * secondsOf(interval), timeoutSeconds: 2 * secondsOf(timeout), failureThreshold: retries + 2 },
  };
}

function secondsOf(text: string): number {
  const [, number] = /^(\d+)s$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`'${text}' is no time in seconds`);
  return Number(number);
}

function mountOf(entry: string): { name: string; path: string; isReadOnly: boolean } {
  const [name = '', path = '', mode] = entry.split(':');
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`'${entry}' is a folder of the machine: other machines have others`);
  return { name, path, isReadOnly: mode === 'ro' };
}
