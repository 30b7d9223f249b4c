/** Process graphs and process descriptions as they travel over HTTP (openEO API 1.2/1.3, `Process`). */
export interface ProcessNode {
  readonly process_id: string;
  readonly namespace?: string | null;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly result?: boolean;
  readonly description?: string | null;
}

export type ProcessGraph = Readonly<Record<string, ProcessNode>>;

export interface ParameterDescription {
  readonly name: string;
  readonly description: string;
  /** A JSON Schema with openEO's `subtype`, or several alternatives. */
  readonly schema: unknown;
  readonly optional?: boolean;
  readonly default?: unknown;
  readonly deprecated?: boolean;
  readonly experimental?: boolean;
}

export interface ProcessDescription {
  readonly id: string;
  readonly summary?: string;
  readonly description?: string;
  readonly categories?: readonly string[];
  readonly parameters: readonly ParameterDescription[];
  readonly returns: { readonly description?: string; readonly schema: unknown };
  readonly exceptions?: Readonly<Record<string, { readonly message: string; readonly description?: string; readonly http?: number }>>;
  readonly process_graph?: ProcessGraph;
  readonly experimental?: boolean;
  readonly deprecated?: boolean;
  readonly links?: readonly unknown[];
  readonly examples?: readonly unknown[];
}
