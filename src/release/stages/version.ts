/**
 * Stage 6: whether the version's number is a new one, and says truly how much has changed: another interface is a new major
 * version, other vectors are a new minor one at least. The rules are those of semver.org, with vectors as what users see.
 */
import type { OperatorManifest, OperatorParameter } from '../../operators/operator.ts';
import { compareVersions, isPrerelease } from '../../operators/registry/versions.ts';
import { StageFailed, type StageContext, type StageOutcome } from '../context.ts';

/** Vectors of two versions that are less alike can't be mixed. */
const SAME_VECTORS = 0.9999;

export async function version(context: StageContext): Promise<StageOutcome> {
  const { settings: { registry }, operator: { manifest, digest }, found } = context;
  if (registry === null) return { detail: `${manifest.version}, not compared with a registry` };
  const versions = await registry.versions(manifest);
  const same = versions.find((each) => each.version === manifest.version);
  if (same && same.digest !== digest) throw new StageFailed(`Version ${manifest.version} is published already, with other content (${same.digest}). Versions never change: give this one a new number.`);
  if (same && same.archive.sha256 !== found.build!.sha256) throw new StageFailed(`Version ${manifest.version} is published already, with another archive (${same.archive.sha256}). Versions never change: give this one a new number.`);
  if (same) return { detail: `${manifest.version} is in the registry already, and is this very one` };
  const latest = await registry.latest(manifest);
  const tested = found.test!.previous;
  if (latest !== null && latest.version !== tested?.version) throw new StageFailed(`Somebody published meanwhile: 'latest' is ${latest.version}, and the tests compared with ${tested?.version ?? 'nothing'}. Run the release again.`);
  const before = versions.find((each) => each.version === latest?.version);
  if (!before) return { detail: `${manifest.version} is the first version` };
  const change = changeOf(before.version, manifest.version);
  const newestOfLine = versions.find((each) => !isPrerelease(each.version) && each.version.split('.')[0] === manifest.version.split('.')[0]);
  if (change === 'older' && (!newestOfLine || compareVersions(manifest.version, newestOfLine.version) <= 0)) throw new StageFailed(`${manifest.version} is older than ${newestOfLine?.version ?? before.version}, which is published.`);
  const faults = change === 'older' ? [] : faultsOf(before.manifest, manifest, change, found.test!.likeness);
  if (faults.length > 0) throw new StageFailed(`${faults.join('; ')}.`);
  return { detail: `${before.version} → ${manifest.version} (${change})`, warnings: change === 'older' ? [`It is older than ${before.version}: 'latest' stays there.`] : [] };
}

type Change = 'major' | 'minor' | 'patch' | 'older';

/** Before 1.0.0 everything may change with the second number, as semver.org has it. */
function changeOf(before: string, after: string): Change {
  if (compareVersions(after, before) <= 0) return 'older';
  const [a, b] = [before, after].map((text) => text.split(/[.+-]/).map(Number)) as [number[], number[]];
  if (a[0] !== b[0]) return 'major';
  if (a[1] !== b[1]) return b[0] === 0 ? 'major' : 'minor';
  return 'patch';
}

function faultsOf(before: OperatorManifest, after: OperatorManifest, change: Change, likeness: number | null): string[] {
  const broken = change === 'major' ? [] : interfaceChanges(before, after);
  const isOther = change === 'patch' && broken.length === 0 && (likeness === null || likeness < SAME_VECTORS);
  return [
    ...(broken.length > 0 ? [`${broken.join(', ')}: who uses ${before.version} could not go on, so this must be ${majorAfter(before.version)}`] : []),
    ...(isOther ? [`its vectors are not those of ${before.version} (${likeness === null ? 'they could not be compared' : `mean cosine ${likeness.toFixed(4)}`}), so it must be a new minor version: people mix vectors of patch versions`] : []),
  ];
}

function majorAfter(text: string): string {
  const [major, minor] = text.split('.').map(Number) as [number, number];
  return major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`;
}

/** What of an interface became another one. Further bands and dimensions count: cubes, files and models of users have them fixed. */
export function interfaceChanges(before: OperatorManifest, after: OperatorManifest): string[] {
  const bands = (manifest: OperatorManifest) => manifest.input.bands.map(({ name }) => name).join(' ');
  const facts: [string, string | number | undefined, string | number | undefined][] = [
    ['bands', bands(before), bands(after)], ['patch', before.patch, after.patch], ['dimensions', before.output.dimensions, after.output.dimensions],
    ['norm', before.output.norm, after.output.norm], ['resolution', before.input.gsd, after.input.gsd],
  ];
  const changed = facts.filter(([, a, b]) => a !== b).map(([what, a, b]) => `${what} changed from ${a ?? 'none'} to ${b ?? 'none'}`);
  const narrowed = after.input.gsd_range[0] > before.input.gsd_range[0] || after.input.gsd_range[1] < before.input.gsd_range[1] ? ['fewer resolutions are accepted'] : [];
  const prefix = before.output.prefix_truncatable && !after.output.prefix_truncatable ? ['the first dimensions are no embedding of their own any more'] : [];
  return [...changed, ...narrowed, ...prefix, ...parameterChanges(before.params ?? [], after.params ?? [])];
}

function parameterChanges(before: readonly OperatorParameter[], after: readonly OperatorParameter[]): string[] {
  const gone = before.flatMap((old) => {
    const now = after.find(({ name }) => name === old.name);
    if (!now) return [`parameter '${old.name}' is gone`];
    return now.type === old.type && now.items === old.items ? [] : [`parameter '${old.name}' has another type`];
  });
  const required = after.filter((now) => now.default === undefined && !before.some((old) => old.name === now.name && old.default === undefined)).map(({ name }) => `parameter '${name}' is required now`);
  return [...gone, ...required];
}
