/** How deep JSON is nested. Deep JSON can be parsed, but writing it again exhausts the stack. */

/** A hundred process graphs inside of each other have about five hundred levels. */
export const MAX_JSON_DEPTH = 1000;

/** True when arrays and objects lie inside of each other more than `limit` deep. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= limit; depth++) {
    const inside: unknown[] = [];
    for (const holder of level) if (typeof holder === 'object' && holder !== null) for (const part of Object.values(holder)) if (typeof part === 'object') inside.push(part);
    if (inside.length === 0) return false;
    level = inside;
  }
  return true;
}
