/** A STAC server with its database, as the benchmark of searches sees it. */
export interface StacServer {
  readonly name: string;
  /** What it is made of, with versions. */
  readonly about: string;
  /** Process that all of the database are below. */
  readonly databasePid: number;
  /** Puts the collections in, then the items of files with one a line (each of one collection), by processes that end with it. */
  putCollections(): Promise<void>;
  putItems(paths: readonly string[]): Promise<void>;
  /** Does what autovacuum would do within the next minutes. */
  settle(): Promise<void>;
  /** Bytes on disk of the items and their indexes. */
  bytes(): Promise<number>;
  startApi(): Promise<Api>;
  stop(): Promise<void>;
}

export interface Api {
  /** Where searches are posted. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}
