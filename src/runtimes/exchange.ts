/**
 * What goes between Lamina and a program: files in the work folder. The program may have put anything there, and the
 * service may have more rights than the program had, so what comes back is opened without following links.
 */
import { constants } from 'node:fs';
import { chmod, chown, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeNpy, largestNpy, npyHeader } from '../operators/npy.ts';
import type { ParameterValues } from '../operators/operator.ts';
import { INPUT_FILE, OUTPUT_FILE, PARAMETERS_FILE } from './environment.ts';

/** What a program gave is not what it promised. The message says in what. */
export class WrongOutput extends Error {
  override readonly name = 'WrongOutput';
}

/** Writes the input of a run: blocks one after the other, [blocks, …shape]. */
export async function writeInput(folder: string, blocks: readonly Float32Array[], shape: readonly number[], params: ParameterValues): Promise<void> {
  const file = await open(join(folder, INPUT_FILE), 'wx', 0o644);
  try {
    await file.write(npyHeader([blocks.length, ...shape]));
    for (const block of blocks) await file.write(new Uint8Array(block.buffer, block.byteOffset, block.byteLength));
  } finally {
    await file.close();
  }
  await writeFile(join(folder, PARAMETERS_FILE), JSON.stringify(params), { mode: 0o644 });
}

/** Makes the folder that of another account, which only this one and the service can enter. */
export async function giveFolder(folder: string, owner: number | undefined): Promise<void> {
  if (owner === undefined) return;
  await chown(folder, owner, owner);
  await chmod(folder, 0o700);
  for (const name of await readdir(folder)) await chown(join(folder, name), owner, owner);
}

/** Reads the output. Throws WrongOutput when it is missing, no plain file, or of another shape than the wanted one. */
export async function readOutput(folder: string, shape: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readPlainFile(join(folder, OUTPUT_FILE), largestNpy(shape));
  try {
    const found = decodeNpy(bytes);
    if (String(found.shape) !== String(shape)) throw new RangeError(`its shape is (${found.shape.join(', ')}) and should be (${shape.join(', ')})`);
    return found.data;
  } catch (error) {
    throw new WrongOutput(`the file that it wrote to OUTPUT_PATH can't be used: ${(error as Error).message}`, { cause: error });
  }
}

async function readPlainFile(path: string, most: number): Promise<Uint8Array> {
  // A link could point to a file of the service, and opening a pipe would wait for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw new WrongOutput(error.code === 'ENOENT' ? 'it wrote no file to OUTPUT_PATH' : `the file at OUTPUT_PATH can't be opened (${error.code})`);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new WrongOutput('what it wrote to OUTPUT_PATH is no plain file');
    if (stat.size > most) throw new WrongOutput(`the file that it wrote to OUTPUT_PATH has ${stat.size} bytes, and ${most} is the most that it can have`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
