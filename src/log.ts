/**
 * One log record for everything: the fields are those of an openEO log entry, so the
 * same record can go to stdout as JSON and to GET /jobs/{job_id}/logs.
 */
export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Process-graph position, outermost node first. */
  readonly path?: readonly { readonly node_id: string; readonly process_id?: string }[];
  readonly code?: string;
  /** Facts, e.g. cache hits or timings. Must be JSON. */
  readonly data?: unknown;
}

export type LogFields = Omit<LogEntry, 'level' | 'message' | 'time'>;

export interface Log {
  error(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Order of the levels. */
export const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };

/** True when an entry of `level` is at least as severe as `threshold`. */
export function isLogged(level: LogLevel, threshold: LogLevel): boolean {
  return severity[level] >= severity[threshold];
}

/** A log that hands each entry at or above `threshold` to `sink`. */
export function createLog(sink: (entry: LogEntry) => void, threshold: LogLevel = 'info'): Log {
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}) => {
    if (isLogged(level, threshold)) sink({ level, message, time: new Date().toISOString(), ...fields });
  };
  return { error: at('error'), warning: at('warning'), info: at('info'), debug: at('debug') };
}

/** One JSON line per entry on the given stream (stdout in the services, stderr in the CLI). */
export function createStreamLog(stream: { write(line: string): unknown }, threshold: LogLevel = 'info'): Log {
  return createLog((entry) => void stream.write(`${JSON.stringify(entry)}\n`), threshold);
}

/** The same log, whose entries say where in a process graph they come from unless they say it themselves. */
export function logAt(log: Log, path: NonNullable<LogEntry['path']>): Log {
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}) => log[level](message, { path, ...fields });
  return { error: at('error'), warning: at('warning'), info: at('info'), debug: at('debug') };
}

/** A log for tests and for code that has nobody to tell. */
export const silentLog: Log = createLog(() => {});
