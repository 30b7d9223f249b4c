/** A root folder with nothing in it but what the programs of this machine need: where a container or PRoot runs programs without an image. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { INSIDE } from './isolation.ts';

/** What is shown of this machine, read only: its programs and libraries, and how they are found. Nothing of this is a secret. */
export function hostReads(): string[] {
  return ['/usr', '/etc/alternatives', '/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d'].filter((path) => existsSync(path));
}

/** /bin, /lib and their kin are links into /usr on a merged system: [path, target]. */
export function topFolders(): [string, string][] {
  const names = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
  return names.filter((path) => existsSync(path) && lstatSync(path).isSymbolicLink()).map((path) => [path, readlinkSync(path)]);
}

/** Makes such a root in a new folder and gives its path. What is shown is bound into it later. */
export async function makeRoot(folder: string): Promise<string> {
  const root = join(folder, 'root');
  const folders = ['/proc', '/dev', '/sys', '/tmp', '/usr', '/etc', '/run', INSIDE.package, INSIDE.work];
  for (const path of folders) await mkdir(root + path, { recursive: true, mode: 0o755 });
  for (const [path, target] of topFolders()) await symlink(target, root + path);
  return root;
}
