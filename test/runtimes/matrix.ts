/** What operators run in, and which tests show it: the rows of docs/runtimes-matrix.md. What a row claims is read out of a run of those tests. */

/** Tests of a file that show something: those whose full name, titles of groups and all, begins so. */
export interface Evidence {
  readonly file: string;
  readonly begins: string;
}

export interface MatrixRow {
  /** In the words of D3.1 where it has them. */
  readonly target: string;
  readonly how: string;
  /** What the tests run against: the thing itself, or something in its place, which is named. */
  readonly against: 'itself' | { readonly double: string };
  readonly evidence: readonly Evidence[];
}

const contract = (name: string): Evidence => ({ file: 'test/runtimes/contract.test.ts', begins: `${name} ` });
const sameResult = (name: string): Evidence => ({ file: 'test/workers/runtime-choice.test.ts', begins: `the same graph on the same tile in ${name} ` });
const hostile = (name: string): Evidence => ({ file: 'test/runtimes/hostile.test.ts', begins: name });
const exported = (begins: string): Evidence => ({ file: 'test/operators/export/exports.test.ts', begins });

export const matrix: readonly MatrixRow[] = [
  { target: 'the service itself (models)', how: '`onnx`', against: 'itself', evidence: [sameResult('onnx')] },
  { target: 'bare metal, virtual machine', how: '`containerless`', against: 'itself', evidence: [contract('containerless'), sameResult('containerless')] },
  { target: 'sandbox', how: '`bubblewrap`', against: 'itself', evidence: [contract('bubblewrap'), sameResult('bubblewrap'), hostile('bubblewrap ')] },
  { target: 'account without rights or namespaces', how: '`proot`', against: 'itself', evidence: [contract('proot'), sameResult('proot')] },
  { target: 'Podman', how: '`podman`', against: 'itself', evidence: [contract('podman'), sameResult('podman'), hostile('podman '), { file: 'test/runtimes/image.test.ts', begins: 'an image in podman ' }] },
  { target: 'Docker', how: '`docker`', against: { double: "Docker's command line on Podman's service" }, evidence: [{ file: 'test/runtimes/image.test.ts', begins: 'an image in docker ' }] },
  { target: 'Apptainer', how: '`apptainer`', against: { double: 'a stand-in of the command' }, evidence: [{ file: 'test/runtimes/probe-order.test.ts', begins: 'Apptainer ' }] },
  { target: 'udocker', how: 'no driver', against: 'itself', evidence: [] },
  { target: 'Slurm', how: '`slurm+containerless`', against: 'itself', evidence: [contract('slurm+containerless'), sameResult('slurm+containerless'), { file: 'test/runtimes/slurm-options.test.ts', begins: 'a job of Slurm ' }] },
  { target: 'Slurm', how: '`slurm+bubblewrap`', against: 'itself', evidence: [contract('slurm+bubblewrap')] },
  { target: 'Slurm', how: '`slurm+podman`', against: 'itself', evidence: [contract('slurm+podman'), sameResult('slurm+podman')] },
  { target: 'Slurm', how: '`lamina operator export --to slurm`', against: { double: 'the shell that reads the script' }, evidence: [exported('a job script for Slurm')] },
  { target: 'PBS', how: '`pbs+containerless`', against: { double: "the PBS commands of Slurm; not OpenPBS" }, evidence: [contract('pbs+containerless')] },
  { target: 'PBS', how: '`lamina operator export --to pbs`', against: { double: 'the shell that reads the script' }, evidence: [exported('a job script for PBS')] },
  { target: 'LSF', how: '`lsf+containerless`, `lsf+bubblewrap`', against: { double: 'stand-ins of bsub, bjobs and bkill' }, evidence: [{ file: 'test/runtimes/lsf.test.ts', begins: 'a job of LSF ' }] },
  { target: 'LSF', how: '`lamina operator export --to lsf`', against: { double: 'the shell that reads the script' }, evidence: [exported('a job script for LSF')] },
  { target: 'Kubernetes', how: '`lamina operator export --to k8s`', against: { double: "the schemas of Kubernetes' API" }, evidence: [exported('a Job of Kubernetes '), { file: 'test/gaps/g15-kubernetes-jobs-are-valid.test.ts', begins: '' }] },
  { target: 'Kubernetes', how: 'the service: deploy/kubernetes', against: { double: "the schemas of Kubernetes' API" }, evidence: [{ file: 'test/deploy/kubernetes.test.ts', begins: '' }] },
  { target: 'OpenShift', how: 'as Kubernetes', against: 'itself', evidence: [] },
  { target: 'Docker Compose', how: 'the service: docker-compose.yml', against: { double: 'the compose tool that reads the file' }, evidence: [{ file: 'test/deploy/compose.test.ts', begins: 'docker-compose.yml' }] },
  { target: 'CWL (cwltool)', how: '`lamina operator export --to cwl`', against: 'itself', evidence: [exported('a tool of CWL is valid for cwltool')] },
  { target: 'a node that has nothing but Node', how: '`lamina bundle`', against: 'itself', evidence: [{ file: 'test/runtimes/bundle.test.ts', begins: 'a ' }] },
];

/** What came of one test. */
export interface TestOutcome {
  /** Relative to the repository. */
  readonly file: string;
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
}

export type Verdict = 'tested for real' | 'tested against a double' | 'not tested' | 'fails';

/** What the tests of a run say of a row. Skipped tests say nothing. */
export function verdictOf({ against, evidence }: MatrixRow, outcomes: readonly TestOutcome[]): Verdict {
  const found = outcomes.filter(({ file, name }) => evidence.some((each) => each.file === file && name.startsWith(each.begins)));
  if (found.some(({ status }) => status === 'failed')) return 'fails';
  if (!found.some(({ status }) => status === 'passed')) return 'not tested';
  return against === 'itself' ? 'tested for real' : 'tested against a double';
}

/** A row of the page. */
export function lineOf(row: MatrixRow, verdict: Verdict): string {
  const { target, how, against, evidence } = row;
  const said = against !== 'itself' && verdict === 'tested against a double' ? `${verdict}: ${against.double}` : `**${verdict}**`;
  const files = [...new Set(evidence.map(({ file }) => file))].map((file) => `[${file.split('/').at(-1)!.replace('.test.ts', '')}](../${file})`).join(', ');
  return `| ${target} | ${how} | ${said} | ${files} |`;
}
