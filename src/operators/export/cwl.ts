/** An operator as a CommandLineTool of the Common Workflow Language 1.2: typed inputs, one file in, one file out. */
import type { OperatorParameter } from '../operator.ts';
import { formatReference, parseReference } from '../reference.ts';
import { ExportRefused, headline, type ExportTarget } from './target.ts';
import { writeYaml, type YamlNode } from './yaml.ts';

/** CWL's own words for the types; a flag is a text, because its text is what `lamina run` reads. */
const types: Readonly<Record<Exclude<OperatorParameter['type'], 'array'>, YamlNode>> = { string: 'string', integer: 'long', number: 'double', boolean: { type: 'enum', symbols: ['true', 'false'] } };

/** Needs `lamina` on the PATH of the machine that runs it. Throws ExportRefused for arrays with commas in their default. */
export function toCwl(target: ExportTarget): string {
  const { operator, optionNames } = target;
  const { manifest } = operator;
  const clash = manifest.params?.find(({ name }) => ['input', 'output', 'embeddings'].includes(name) || optionNames.includes(name));
  if (clash) throw new ExportRefused(`the parameter '${clash.name}' has the name of an option of \`lamina run\`, so it can't be an input in CWL; export to slurm, pbs or k8s`);
  // The parameters are inputs, so the reference is the one without them.
  const { params: _, ...plain } = parseReference(operator.reference);
  return writeYaml({
    cwlVersion: 'v1.2', class: 'CommandLineTool', label: manifest.title, doc: manifest.description,
    baseCommand: ['lamina', 'run'],
    arguments: [{ position: 0, valueFrom: formatReference({ ...plain, params: {} }) }, { position: 1, valueFrom: '--quiet' }],
    requirements: requirements(target),
    inputs: {
      input: { type: 'File', doc: `GeoTIFF with the bands ${manifest.input.bands.map(({ name }) => name).join(', ')}`, inputBinding: { position: 2, prefix: '--input' } },
      output: { type: 'string', doc: 'Name of the file with the embeddings', default: 'embeddings.tif', inputBinding: { position: 3, prefix: '--output' } },
      ...Object.fromEntries((manifest.params ?? []).map((parameter, i) => [parameter.name, inputOf(parameter, target, i + 4)])),
    },
    outputs: { embeddings: { type: 'File', outputBinding: { glob: '$(inputs.output)' } } },
  }, headline(target));
}

function requirements({ operator: { manifest: { resources } }, registries }: ExportTarget): YamlNode {
  return {
    ...(resources && (resources.memory_mib !== undefined || resources.cpu !== undefined) && {
      ResourceRequirement: { ...(resources.memory_mib !== undefined && { ramMin: resources.memory_mib }), ...(resources.cpu !== undefined && { coresMin: resources.cpu }) },
    }),
    // Operators come from a registry, unless the machine has them.
    NetworkAccess: { networkAccess: true },
    ...(registries !== undefined && { EnvVarRequirement: { envDef: { LAMINA_OPERATORS: registries } } }),
  };
}

/** The values that the export was made with are the defaults. */
function inputOf(parameter: OperatorParameter, { operator }: ExportTarget, position: number): YamlNode {
  const { name, description, unit, type, items = 'string' } = parameter;
  const usual = Object.hasOwn(operator.params, name) ? operator.params[name]! : null;
  const plain = type === 'array' ? { type: 'array', items: types[items] } : types[type];
  const allowed = parameter.enum && type === 'string' && parameter.enum.every((value) => /^[\w.-]+$/.test(String(value))) ? { type: 'enum', symbols: parameter.enum } : plain;
  const isOptional = usual === null && parameter.default !== undefined;
  if (Array.isArray(usual) && usual.some((entry) => String(entry).includes(','))) throw new ExportRefused(`the parameter '${name}' has entries with commas, which CWL can't hand over; export to slurm, pbs or k8s`);
  return {
    type: isOptional ? ['null', allowed] : allowed, doc: unit === undefined ? description : `${description} (${unit})`,
    ...(usual !== null && { default: typeof usual === 'boolean' ? String(usual) : usual }),
    inputBinding: { position, prefix: `--${name}`, ...(type === 'array' && { itemSeparator: ',' }) },
  };
}
