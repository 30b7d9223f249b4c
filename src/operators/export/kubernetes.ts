/** An operator as a Job of Kubernetes (batch/v1): limits, a deadline, no rights that it does not need. */
import { ExportRefused, headline, jobName, runWords, type ExportTarget } from './target.ts';
import { writeYaml, type YamlNode } from './yaml.ts';

/** RFC 1123, as Kubernetes wants names of secrets and claims. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const USUAL_MEMORY_MIB = 2048;
/** A job that runs for longer has gone wrong. */
const DEADLINE_SECONDS = 24 * 3600;

/** Throws ExportRefused for names that Kubernetes does not take. */
export function toKubernetes(target: ExportTarget): string {
  const { operator: { manifest }, image, pullSecrets = [], claim = 'lamina-data' } = target;
  for (const name of [claim, ...pullSecrets]) if (!NAME.test(name)) throw new ExportRefused(`'${name}' is no name that Kubernetes takes: lower-case letters, digits, '-' and '.'`);
  if (!/^[\w.:/@-]+$/.test(image)) throw new ExportRefused(`'${image}' is no reference of an image`);
  const labels = { 'app.kubernetes.io/name': manifest.name, 'app.kubernetes.io/version': manifest.version.slice(0, 63), 'app.kubernetes.io/part-of': 'lamina' };
  return writeYaml({
    apiVersion: 'batch/v1', kind: 'Job',
    metadata: { generateName: `${jobName(target.operator).slice(0, 50)}-`, labels },
    spec: {
      backoffLimit: 2, activeDeadlineSeconds: DEADLINE_SECONDS, ttlSecondsAfterFinished: 24 * 3600,
      template: { metadata: { labels }, spec: {
        restartPolicy: 'Never', automountServiceAccountToken: false, enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
        containers: [container(target)],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }, { name: 'scratch', emptyDir: {} }],
      } },
    },
  }, [...headline(target), 'kubectl create -f FILE; input and output are files of the claim, mounted at /data']);
}

function container(target: ExportTarget): YamlNode {
  const { operator: { manifest: { resources = {} } }, image, registries } = target;
  const needed = { cpu: String(resources.cpu ?? 1), memory: `${resources.memory_mib ?? USUAL_MEMORY_MIB}Mi` };
  return {
    name: 'operator', image,
    command: runWords(target, '/data/input.tif', '/data/output.tif').map(escaped),
    env: [{ name: 'LAMINA_DATA', value: '/scratch' }, ...(registries === undefined ? [] : [{ name: 'LAMINA_OPERATORS', value: escaped(registries) }])],
    resources: { requests: needed, limits: { memory: needed.memory, ...(resources.gpu && { 'nvidia.com/gpu': 1 }) } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'data', mountPath: '/data' }, { name: 'scratch', mountPath: '/scratch' }, { name: 'scratch', mountPath: '/tmp', subPath: 'tmp' }],
  };
}

/** Kubernetes replaces $(NAME) in words of a command; '$$(' stays as '$('. */
function escaped(word: string): string {
  return word.replaceAll('$', '$$$$');
}
