/** Stage 7: into the registry. The archive is written first and the tags last, so what is half-published is not published. */
import { join } from 'node:path';
import { RegistryRefusal } from '../../operators/registry/refusal.ts';
import { qualifiedName } from '../../operators/reference.ts';
import { compareVersions, isPrerelease } from '../../operators/registry/versions.ts';
import { StageFailed, type StageContext, type StageOutcome } from '../context.ts';
import type { Publication } from '../report.ts';

export async function publish(context: StageContext): Promise<StageOutcome> {
  const { settings: { registry }, operator: { manifest } } = context;
  if (registry === null) throw new StageFailed('There is no registry to publish to: name one with --registry.');
  const known = (await registry.versions(manifest)).find(({ version }) => version === manifest.version);
  try {
    const publication = known ? await pointTags(context) : await publishArchive(context);
    return { detail: `${publication.reference}${publication.tags.length > 0 ? ` is ${publication.tags.join(', ')}` : ''}`, found: { publish: publication } };
  } catch (error) {
    if (error instanceof RegistryRefusal) throw new StageFailed(error.message, {}, { cause: error });
    throw error;
  }
}

async function publishArchive({ settings, found, report }: StageContext): Promise<Publication> {
  const { reference, tags } = await settings.registry!.publish(join(settings.out, found.build!.archive), { ...changeOf(settings), report: { ...report, status: 'published' }, latest: settings.latest, tags: settings.tags, ...(settings.signer ? { sign: settings.signer } : {}) });
  return { reference, tags };
}

/** A run before this one wrote the archive and was cut short: what is left are the tags. */
async function pointTags({ settings, operator: { manifest, digest } }: StageContext): Promise<Publication> {
  const registry = settings.registry!;
  const latest = await registry.latest(manifest);
  const isNewest = latest === null || compareVersions(manifest.version, latest.version) > 0;
  const tags = [...(settings.latest && isNewest && !isPrerelease(manifest.version) ? ['latest'] : []), ...settings.tags];
  for (const tag of tags) await registry.tag(manifest, tag, manifest.version, changeOf(settings));
  return { reference: `${qualifiedName(manifest)}@${digest}`, tags: latest?.version === manifest.version ? ['latest', ...tags] : tags };
}

function changeOf({ by, allowRegression }: StageContext['settings']): { by: string; reason?: string } {
  return { by, ...(allowRegression === undefined ? {} : { reason: allowRegression }) };
}
