/** Fetches the archive of an operator and unpacks it, checked against its digests. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { OpenEOError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { OperatorPackageInvalid } from '../manifest.ts';
import { unpackOperator } from '../package/unpack.ts';
import { archiveKey, type OperatorName } from './layout.ts';
import type { Place } from './place.ts';
import type { ArchiveFacts } from './version-record.ts';

/** A registry that has the archive. */
export interface PackageSource {
  readonly place: Place;
  readonly of: OperatorName;
  readonly version: string;
  readonly archive: ArchiveFacts;
}

/** A download that breaks off is begun anew. */
const TRIES = 2;

/**
 * Puts the package with this digest into `folder`, which must not exist yet; the first registry that has it whole gives it.
 * Throws OperatorUnavailable, saying what each of them answered.
 */
export async function fetchPackage(sources: readonly PackageSource[], wanted: { readonly name: string; readonly digest: string }, folder: string, log: Log): Promise<void> {
  const reasons: string[] = [];
  for (const source of Array.from({ length: TRIES }, () => sources).flat()) {
    try {
      await unpackFrom(source, wanted.digest, folder);
      log.info(`Fetched the operator ${wanted.name} from ${source.place.shown}`, { data: { operator: wanted.digest, bytes: source.archive.size } });
      return;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      const reason = `${source.place.shown}: ${(error as Error).message}`;
      if (!reasons.includes(reason)) reasons.push(reason);
    }
  }
  throw new OpenEOError('OperatorUnavailable', { operator: wanted.name }, { detail: reasons.length > 0 ? `The registries answered: ${reasons.join('; ')}` : 'No registry that can be reached has it.' });
}

/** The archive is compared before anything of it is unpacked. */
async function unpackFrom({ place, of, version, archive }: PackageSource, digest: string, folder: string): Promise<void> {
  const body = await place.files.stream(archiveKey(of, version));
  if (body === null) throw new Error('the archive is not there');
  const file = `${folder}.tar.gz`;
  try {
    await download(body, archive, file);
    const operator = await unpackOperator(file, folder);
    if (operator.digest !== digest) throw new OperatorPackageInvalid('the archive', ['it holds another operator']);
  } finally {
    await rm(file, { force: true });
  }
}

/** Throws OperatorPackageInvalid for other bytes than those that were published. */
async function download(body: AsyncIterable<Uint8Array>, { size, sha256 }: ArchiveFacts, file: string): Promise<void> {
  const sum = createHash('sha256');
  let received = 0;
  await pipeline(async function* counted() {
    for await (const piece of body) {
      received += piece.length;
      if (received > size) throw new OperatorPackageInvalid('the archive', [`it is longer than the ${size} bytes that were published`]);
      sum.update(piece);
      yield piece;
    }
  }, createWriteStream(file, { flags: 'wx' }));
  if (sum.digest('hex') !== sha256) throw new OperatorPackageInvalid('the archive', [`its SHA-256 is not ${sha256}, which was published`]);
}
