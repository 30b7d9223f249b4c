/** Sorting networks: comparisons of fixed places, without a branch that a processor could guess wrong. */

export type Exchange = readonly [low: number, high: number];

/** Batcher's odd-even merge sort for n places: exchanges that sort whatever they are given. */
export function sortingNetwork(n: number): Exchange[] {
  const exchanges: Exchange[] = [];
  for (let p = 1; p < n; p *= 2) {
    for (let k = p; k >= 1; k /= 2) {
      for (let j = k % p; j <= n - 1 - k; j += 2 * k) {
        for (let i = j; i <= j + Math.min(k - 1, n - j - k - 1); i++) {
          if (Math.floor(i / (p * 2)) === Math.floor((i + k) / (p * 2))) exchanges.push([i, i + k]);
        }
      }
    }
  }
  return exchanges;
}

/** Those exchanges of a network that the given places depend on. */
export function pruneNetwork(network: readonly Exchange[], places: readonly number[]): Exchange[] {
  return halfExchanges(network, places).map(({ low, high }) => [low, high]);
}

/** An exchange of which maybe only the lesser or only the greater value is used afterwards. */
export interface HalfExchange {
  readonly low: number;
  readonly high: number;
  readonly usesLow: boolean;
  readonly usesHigh: boolean;
}

/** The exchanges that the given places depend on, with what is used of each. */
export function halfExchanges(network: readonly Exchange[], places: readonly number[]): HalfExchange[] {
  const needed = new Set(places);
  return network.toReversed().flatMap(([low, high]) => {
    const exchange = { low, high, usesLow: needed.has(low), usesHigh: needed.has(high) };
    if (!exchange.usesLow && !exchange.usesHigh) return [];
    needed.add(low).add(high);
    return [exchange];
  }).reverse();
}
