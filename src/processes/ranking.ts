/** The inner part of median and quantiles: sorting and selecting in small buffers without allocation, and the line between two ranks. */

/** Sorts the first `count` numbers in place. NaN may end up anywhere. */
export function sortNumbers(numbers: Float64Array, count: number): void {
  if (count > 64) {
    numbers.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const x = numbers[i]!;
    let k = i - 1;
    while (k >= 0 && numbers[k]! > x) {
      numbers[k + 1] = numbers[k]!;
      k--;
    }
    numbers[k + 1] = x;
  }
}

/**
 * The number of a rank among the first `count` (Hoare's quickselect, pivot in the middle). Afterwards no
 * number before the rank is greater and none behind it is smaller. There must be no NaN.
 */
export function selectRank(numbers: Float64Array, count: number, rank: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = numbers[(low + high) >> 1]!;
    let i = low;
    let k = high;
    while (i <= k) {
      while (numbers[i]! < pivot) i++;
      while (numbers[k]! > pivot) k--;
      if (i <= k) {
        const x = numbers[i]!;
        numbers[i++] = numbers[k]!;
        numbers[k--] = x;
      }
    }
    if (rank <= k) high = k;
    else if (rank >= i) low = i;
    else break;
  }
  return numbers[rank]!;
}

/** The value a part of the way (0 … 1) from low to high. It never leaves the interval, and an infinite end wins. */
export function onLine(low: number, high: number, part: number): number {
  const distance = high - low;
  if (!Number.isFinite(distance)) return low === high ? low : low * (1 - part) + high * part;
  return part < 0.5 ? low + distance * part : high - distance * (1 - part);
}
