/** Stage 3: the archive, made twice: a package that gives two archives can't be made again by anybody. */
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { OperatorPackageInvalid } from '../../operators/manifest.ts';
import type { Operator } from '../../operators/operator.ts';
import { archiveName, packOperator } from '../../operators/package/pack.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { unpackOperator } from '../../operators/package/unpack.ts';
import { StageFailed, type StageContext, type StageOutcome } from '../context.ts';
import type { BuildFacts } from '../report.ts';

export async function build({ settings: { folder, out } }: StageContext): Promise<StageOutcome> {
  const again = await mkdtemp(join(out, '.again-'));
  try {
    const [packed, twin] = [await packOperator(folder, out), await packOperator(folder, again)];
    if (packed.sha256 !== twin.sha256) throw new StageFailed(`Packing the folder twice gave two archives (${packed.sha256} and ${twin.sha256}): something changes its files meanwhile.`);
    const facts: BuildFacts = { archive: basename(packed.path), sha256: packed.sha256, size: packed.size, digest: packed.operator.digest };
    return { detail: `${facts.archive}, ${facts.size} bytes, sha256 ${facts.sha256.slice(0, 12)}…, twice the same`, found: { build: facts }, artefacts: [facts.archive] };
  } catch (error) {
    if (error instanceof OperatorPackageInvalid) throw new StageFailed(error.message, {}, { cause: error });
    throw error;
  } finally {
    await rm(again, { recursive: true, force: true });
  }
}

/** True when the archive of an earlier run is there, whole. */
export async function isBuilt(out: string, { archive, sha256 }: BuildFacts): Promise<boolean> {
  return (await fileDigest(join(out, archive)).catch(() => null)) === sha256;
}

/** The operator as it will be published: out of the archive, in a folder of its own, which the second function removes. */
export async function unpacked({ settings: { out }, operator, found }: StageContext): Promise<[Operator, () => Promise<void>]> {
  const place = await mkdtemp(join(out, '.unpacked-'));
  const remove = () => rm(place, { recursive: true, force: true });
  try {
    const opened = await unpackOperator(join(out, archiveName(operator)), join(place, 'package'));
    if (opened.digest !== found.build!.digest) throw new StageFailed(`The archive holds ${opened.digest}, and ${found.build!.digest} was packed.`);
    return [opened, remove];
  } catch (error) {
    await remove();
    throw error;
  }
}
