/** deploy/kubernetes has the shape of docker-compose.yml, and every object is one that Kubernetes takes. */
import { readFileSync } from 'node:fs';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { ConfigMap, PersistentVolumeClaim, Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { kubernetesOf, type Compose } from './from-compose.ts';

interface Container {
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly ports?: readonly { readonly port: number }[];
    readonly template: { readonly spec: { readonly containers: readonly Container[]; readonly volumes?: readonly { readonly name: string }[] } };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
}

const models = { ConfigMap, Deployment, PersistentVolumeClaim, Service, StatefulSet } as unknown as Readonly<Record<string, new (data: object) => { validate(): void }>>;
const objects = parseAllDocuments(readFileSync('deploy/kubernetes/lamina.yaml', 'utf8')).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJSON() as KubernetesObject;
});
const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as { readonly services: Readonly<Record<string, ComposeService>> };
const running = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
/** Without the GPU worker: which nodes have GPUs, and how they are asked for, differs from cluster to cluster. */
const services = Object.entries(compose.services).filter(([name]) => name !== 'worker-gpu');
const containerOf = (name: string) => running.find(({ metadata }) => metadata.name === name)!.spec.template.spec.containers[0]!;

describe('what docker-compose.yml becomes', () => {
  const whole = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
  const withApi = (changes: object) => ({ ...whole, services: { ...whole.services, api: { ...whole.services['api']!, ...changes } } }) as Compose;

  it('is deploy/kubernetes/lamina.yaml, object by object', () => {
    expect(objects).toEqual(kubernetesOf(whole));
  });

  it('is something else when a service has another variable, volume, check or image', () => {
    const { environment, volumes, healthcheck } = whole.services['api']!;
    const changes = [{ environment: { ...environment, LAMINA_NEW: '1' } }, { image: 'lamina:9' }, { volumes: volumes.slice(1) }, { healthcheck: { ...healthcheck, interval: '99s' } }, { read_only: false }, { command: ['serve'] }];
    for (const change of changes) expect(objects, JSON.stringify(change)).not.toEqual(kubernetesOf(withApi(change)));
  });

  it('is nothing where something can\'t be said', () => {
    expect(() => kubernetesOf(withApi({ volumes: ['/srv/archive:/archive'] }))).toThrow('is a folder of the machine');
    expect(() => kubernetesOf(withApi({ healthcheck: { test: ['CMD-SHELL', 'true'], interval: '1s', timeout: '1s', retries: 1 } }))).toThrow('no shell');
    expect(() => kubernetesOf(withApi({ security_opt: ['seccomp:unconfined'] }))).toThrow('there is no word for it');
    expect(() => kubernetesOf(withApi({ command: ['${SOME_PASSWORD:?}'] }))).toThrow('which no variable of the service has');
  });
});

describe('deploy/kubernetes/lamina.yaml', () => {
  it.each(objects.map((object) => [object.kind, object.metadata.name, object] as const))('%s %s fits the schema of Kubernetes', (kind, _name, object) => {
    expect(() => new models[kind]!(object).validate()).not.toThrow();
  });

  it('is measured by a schema that refuses what is wrong', () => {
    const wrong = { ...objects.find(({ kind }) => kind === 'Deployment')!, spec: { replicas: 'two' } };
    expect(() => new models['Deployment']!(wrong).validate()).toThrow();
  });

  it('runs the services of docker-compose.yml', () => {
    expect(running.map(({ metadata }) => metadata.name).toSorted()).toEqual(services.map(([name]) => name).toSorted());
  });

  it.each(services)('runs %s with the image, the command and the folders of docker-compose.yml', (name, { image, command, volumes }) => {
    const container = containerOf(name);
    expect(container.image).toBe(image);
    expect(container.args?.length).toBe(command?.length);
    if (name === 'api' || name === 'worker') expect(container.args).toEqual(command);
    const paths = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    for (const volume of volumes) expect(paths).toContain(volume.split(':')[1]);
  });

  it.each(['api', 'worker'])('gives %s every setting that must be set', (name) => {
    const secret = readFileSync('.env.example', 'utf8').match(/^[A-Z_0-9]+(?==)/gm)!;
    const config = Object.keys((objects.find(({ kind }) => kind === 'ConfigMap') as unknown as { data: object }).data);
    const given = new Set([...secret, ...config, ...containerOf(name).env!.map((variable) => variable.name)]);
    for (const setting of Object.keys(compose.services[name]!.environment!)) expect(given, setting).toContain(setting);
  });

  it('mounts only volumes that there are, and every server behind a service has its port', () => {
    for (const { metadata, spec: { template: { spec }, volumeClaimTemplates = [] } } of running) {
      const known = [...(spec.volumes ?? []).map(({ name }) => name), ...volumeClaimTemplates.map((claim) => claim.metadata.name)];
      for (const { name } of spec.containers[0]!.volumeMounts ?? []) expect(known, metadata.name).toContain(name);
    }
    for (const { metadata, spec } of objects.filter(({ kind }) => kind === 'Service')) {
      expect(containerOf(metadata.name).ports?.map(({ containerPort }) => containerPort)).toContain(spec.ports![0]!.port);
    }
  });
});
