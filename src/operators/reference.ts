/**
 * References to operators, as people write them and as layers keep them:
 *
 *     [runtime/][namespace/]name[:tag|@sha256:…][?parameter=value&…]
 *
 *     pca                                   the newest release, run as the operator prefers
 *     e2s/ai-compressor:1.2                 the newest 1.2.x in the namespace e2s
 *     bubblewrap/spectral@sha256:…?gain=2   exactly these files, with one parameter, in a sandbox
 *     slurm+podman/spectral:latest          a batch job that starts a container
 *     docker.io/claimed/ai-compressor:0.3   CLAIMED's spelling of "in a container"
 *
 * Only the text is looked at here: which operators there are is the registry's matter, which parameters one takes that of params.ts.
 */
import { OpenEOError } from '../errors.ts';

/** What can run an operator by itself. */
export const baseRuntimes = ['onnx', 'containerless', 'bubblewrap', 'proot', 'podman', 'docker', 'apptainer'] as const;
/** What can start one of those on another machine. */
export const batchSystems = ['slurm', 'pbs', 'lsf'] as const;

export type BaseRuntime = (typeof baseRuntimes)[number];
export type BatchSystem = (typeof batchSystems)[number];
export type RuntimeName = BaseRuntime | `${BatchSystem}+${BaseRuntime}`;

/** Other words for the same runtime. */
const aliases: Readonly<Record<string, BaseRuntime>> = { sandbox: 'bubblewrap' };

export interface OperatorReference {
  /** Absent: as the operator prefers. Aliases are resolved ('sandbox' is 'bubblewrap'). */
  readonly runtime?: RuntimeName;
  /** The image registry of a reference in CLAIMED's spelling, e.g. 'docker.io'; the runtime is then 'podman'. */
  readonly host?: string;
  readonly namespace?: string;
  readonly name: string;
  /** 'latest', '1', '1.2', '1.2.3', '2.0.0-rc1', or a tag of the registry. Absent: the newest release. */
  readonly tag?: string;
  /** 'sha256:…' of the operator's manifest. Never together with `tag`. */
  readonly digest?: string;
  /** Parameters by name, in text form (see params.ts). */
  readonly params: Readonly<Record<string, string>>;
}

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const TAG = /^[A-Za-z0-9][\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const HOST = /^(?=.*[.:]|localhost$)[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?$/;
const PARAMETER = /^[A-Za-z_]\w{0,63}$/;
/** Parameters travel in references, which are kept in layers and tasks. */
const LONGEST = 8192;

const REFERENCE_SYNTAX = "Write '[runtime/][namespace/]name[:version|@sha256:…][?parameter=value&…]'";

/** Reads a reference. Throws OperatorNotFound, saying which part is wrong and what may stand there. */
export function parseReference(text: string): OperatorReference {
  if (text.length > LONGEST) throw refused(text, `it has ${text.length} characters, and ${LONGEST} is the most`);
  const question = text.indexOf('?');
  const [path, query] = question < 0 ? [text, ''] : [text.slice(0, question), text.slice(question + 1)];
  const segments = path.replace(/^docker:\/\//, 'docker/').split('/');
  const last = segments.pop()!;
  return { ...prefixesOf(segments, text), ...nameOf(last, text), params: parametersOf(query, text) };
}

/** The reference as text; parameters in the order of their names, so that equal references are equal texts. */
export function formatReference({ runtime, host, namespace, name, tag, digest, params }: OperatorReference): string {
  const prefix = [host ?? runtime, namespace, name].filter((part) => part !== undefined).join('/');
  const version = digest !== undefined ? `@${digest}` : tag !== undefined ? `:${tag}` : '';
  const query = Object.keys(params).toSorted().map((key) => `${key}=${encodeURIComponent(params[key]!)}`).join('&');
  return `${prefix}${version}${query && `?${query}`}`;
}

/** 'namespace/name', or the name alone. */
export function qualifiedName({ namespace, name }: Pick<OperatorReference, 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** A runtime by its name or alias, 'slurm+sandbox' for example; null for what is none. */
export function runtimeNamed(text: string): RuntimeName | null {
  const [first, second, ...more] = text.split('+');
  if (more.length > 0) return null;
  if (second === undefined) return baseRuntimeNamed(first!);
  const [batch, base] = [batchSystems.find((system) => system === first), baseRuntimeNamed(second)];
  return batch && base ? `${batch}+${base}` : null;
}

function baseRuntimeNamed(text: string): BaseRuntime | null {
  return baseRuntimes.find((name) => name === text) ?? (Object.hasOwn(aliases, text) ? aliases[text]! : null);
}

/** What stands before the name: a runtime or an image registry, then a namespace; each may be missing. */
function prefixesOf(segments: readonly string[], text: string): Pick<OperatorReference, 'runtime' | 'host' | 'namespace'> {
  const [first, ...rest] = segments;
  if (first === undefined) return {};
  const runtime = runtimeNamed(first);
  if (runtime) return { runtime, ...namespaceOf(rest, text) };
  if (HOST.test(first)) return { runtime: 'podman', host: first, ...namespaceOf(rest, text) };
  if (first.includes('+') || segments.length > 1) {
    throw refused(text, `'${first}' is no runtime; there are ${[...baseRuntimes, 'sandbox'].join(', ')}, and each with ${batchSystems.map((s) => `'${s}+'`).join(' or ')} before it`);
  }
  return namespaceOf(segments, text);
}

function namespaceOf(segments: readonly string[], text: string): Pick<OperatorReference, 'namespace'> {
  if (segments.length === 0) return {};
  if (segments.length > 1) throw refused(text, 'between runtime and name stands at most one namespace');
  const namespace = segments[0]!;
  if (!NAME.test(namespace)) throw refused(text, `'${namespace}' is no namespace: ${NAME_RULE}`);
  if (runtimeNamed(namespace)) throw refused(text, `'${namespace}' is a runtime and can't be a namespace`);
  return { namespace };
}

const NAME_RULE = 'lower-case letters, digits, - and _, beginning with a letter, at most 64';

/** True for what may be the name of an operator or of a namespace; names of runtimes may not. */
export function isOperatorName(text: string): boolean {
  return NAME.test(text) && runtimeNamed(text) === null;
}

function nameOf(segment: string, text: string): Pick<OperatorReference, 'name' | 'tag' | 'digest'> {
  const at = segment.search(/[:@]/);
  const name = at < 0 ? segment : segment.slice(0, at);
  if (!NAME.test(name)) throw refused(text, `'${name}' is no name of an operator: ${NAME_RULE}`);
  if (at < 0) return { name };
  const version = segment.slice(at + 1);
  if (segment[at] === '@') {
    if (!DIGEST.test(version)) throw refused(text, "after '@' stands 'sha256:' and 64 hexadecimal digits");
    return { name, digest: version };
  }
  if (!TAG.test(version)) throw refused(text, `'${version}' is no version or tag`);
  return { name, tag: version };
}

function parametersOf(query: string, text: string): Record<string, string> {
  const params: Record<string, string> = {};
  for (const pair of query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (equals < 0 || !PARAMETER.test(name)) throw refused(text, `'${pair}' is no parameter: write 'name=value', and %26 for '&' in a value`);
    if (Object.hasOwn(params, name)) throw refused(text, `the parameter '${name}' stands there twice`);
    params[name] = decoded(pair.slice(equals + 1), name, text);
  }
  return params;
}

function decoded(value: string, name: string, text: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw refused(text, `the value of '${name}' has a '%' that begins no escape; write %25 for it`);
  }
}

/** Long texts are cut, because the message is read by people. */
function refused(reference: string, reason: string): OpenEOError<'OperatorNotFound'> {
  const shown = reference.length > 200 ? `${reference.slice(0, 200)}…` : reference;
  return new OpenEOError('OperatorNotFound', { operator: shown }, { detail: `${REFERENCE_SYNTAX}: ${reason}.` });
}
