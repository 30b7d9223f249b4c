/** How tasks, their answers and their ids are written so that both back-ends of the queue take them unchanged. */

/** A value on its way through a queue. */
export interface Packed {
  readonly json: string;
  /** Of a task: when nobody wants it any more, in ms since 1970. */
  readonly expires?: number;
}

/**
 * Values travel as JSON text inside JSON: PostgreSQL's jsonb would sort the keys of objects, and refuse
 * strings with NUL or half a surrogate pair, which are valid JSON that clients may send.
 */
export function pack(value: unknown, expires?: number): Packed {
  return { json: JSON.stringify(value ?? null), ...(expires === undefined ? {} : { expires }) };
}

export function unpack(packed: Packed): unknown {
  return JSON.parse(packed.json);
}

/** True when the task's time is up. Clocks of machines differ by little; who still waits adds it again. */
export function hasExpired({ expires }: Packed, now = Date.now()): boolean {
  return expires !== undefined && now > expires;
}

/** True when the first expiry is later than the second; absent means never. */
export function isLater(one: number | undefined, other: number | undefined): boolean {
  return other !== undefined && (one === undefined || one > other);
}

/** BullMQ takes no ids with ':' and none that are whole numbers. */
export function wireId(taskId: string): string {
  return `t-${taskId.replaceAll('%', '%25').replaceAll(':', '%3A')}`;
}

/** The id that `wireId` was given. */
export function readableId(jobId: string): string {
  return jobId.slice(2).replaceAll('%3A', ':').replaceAll('%25', '%');
}
