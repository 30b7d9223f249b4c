/** The order in which the nodes of a graph can run. */

/**
 * Sorts ids so that each comes after its dependencies, otherwise keeping their order (Kahn's algorithm).
 * Ids on a circle and those behind it are left out; see `findCircle`.
 */
export function sortByDependency(dependencies: ReadonlyMap<string, readonly string[]>): string[] {
  const waiting = new Map([...dependencies].map(([id, list]) => [id, new Set(list).size]));
  const dependents = new Map<string, string[]>([...dependencies.keys()].map((id) => [id, []]));
  for (const [id, list] of dependencies) for (const other of new Set(list)) dependents.get(other)?.push(id);
  const sorted = [...waiting].filter(([, count]) => count === 0).map(([id]) => id);
  for (let next = 0; next < sorted.length; next++) {
    for (const id of dependents.get(sorted[next]!)!) {
      const count = waiting.get(id)! - 1;
      waiting.set(id, count);
      if (count === 0) sorted.push(id);
    }
  }
  return sorted;
}

/** A circle among the dependencies as the ids along it, the first one repeated at the end; null when there is none. */
export function findCircle(dependencies: ReadonlyMap<string, readonly string[]>): string[] | null {
  const free = new Set(sortByDependency(dependencies));
  const start = [...dependencies.keys()].find((id) => !free.has(id));
  if (start === undefined) return null;
  // Every id left depends on another one left, so walking along must come back to an id seen before.
  const trail = new Map<string, number>();
  let id = start;
  while (!trail.has(id)) {
    trail.set(id, trail.size);
    id = dependencies.get(id)!.find((other) => !free.has(other))!;
  }
  return [...[...trail.keys()].slice(trail.get(id)), id];
}

/** A circle in words: 'a' → 'b' → 'a'. The middle of a long one is left out. */
export function showCircle(circle: readonly string[]): string {
  const shown = circle.length <= 12 ? circle : [...circle.slice(0, 6), '…', ...circle.slice(-5)];
  return shown.map((id) => (id === '…' ? id : `'${id}'`)).join(' → ');
}
