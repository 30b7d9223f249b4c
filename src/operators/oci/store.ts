/** What an OCI registry, or a folder in OCI's image layout, is asked for. A repository holds the versions of one operator. */
import type { Readable } from 'node:stream';
import { USUAL_NAMESPACE, named, type OperatorName } from '../registry/layout.ts';

export interface OciStore {
  /** All that are known; null where that can't be asked. */
  repositories(): Promise<readonly string[] | null>;
  tags(repository: string): Promise<readonly string[]>;
  /** By tag; null when there is none. Its bytes are those of the digest that it was found under. */
  manifest(repository: string, tag: string): Promise<Uint8Array | null>;
  /** null when there is none. What comes is not compared yet. */
  blob(repository: string, digest: string): Promise<Readable | null>;
  /** Not sent again when it is there. */
  putBlob(repository: string, digest: string, body: Uint8Array | { readonly path: string; readonly size: number }): Promise<void>;
  putManifest(repository: string, tag: string, bytes: Uint8Array): Promise<void>;
}

/** 'library/pca', 'e2s/ai-compressor'. */
export const repositoryOf = ({ namespace = USUAL_NAMESPACE, name }: OperatorName): string => `${namespace}/${name}`;

/** null for what is no repository of an operator. */
export function operatorOf(repository: string): OperatorName | null {
  const [namespace, name, ...more] = repository.split('/');
  return name === undefined || more.length > 0 ? null : named(namespace!, name);
}
