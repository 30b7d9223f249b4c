/** G15: CLAIMED's Kubernetes job always named a secret 'image_pull_secret', which no secret can be called, and had no limits. */
import { expect, it } from 'vitest';
import { toKubernetes } from '../../src/operators/export/kubernetes.ts';
import { readOperator } from '../../src/operators/manifest.ts';

const operator = await readOperator('operators/pca');
const target = { operator, image: 'lamina:1.0', optionNames: [] };

it('names a secret only when there is one, and only by a name that can be', () => {
  expect(toKubernetes(target)).not.toContain('imagePullSecrets');
  expect(toKubernetes({ ...target, pullSecrets: ['registry-login'] })).toContain('      imagePullSecrets:\n        - name: "registry-login"\n');
  expect(() => toKubernetes({ ...target, pullSecrets: ['image_pull_secret'] })).toThrow(/no name that Kubernetes takes/);
});

it('limits memory, time and tries', () => {
  const job = toKubernetes({ ...target, operator: { ...operator, manifest: { ...operator.manifest, resources: { memory_mib: 700, gpu: true } } } });
  for (const line of ['backoffLimit: 2', 'activeDeadlineSeconds: 86400', 'memory: "700Mi"', 'nvidia.com/gpu: 1', 'restartPolicy: "Never"']) expect(job).toContain(line);
});

it('has names that DNS takes, whatever the operator is called', () => {
  const long = { ...operator, manifest: { ...operator.manifest, namespace: 'e2s_team', name: `a_${'b'.repeat(60)}`, version: '1.0.0-rc.1' } };
  const [, name] = /generateName: "(.*)"/.exec(toKubernetes({ ...target, operator: long }))!;
  expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,56})$/);
});
