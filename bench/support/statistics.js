// @ts-check

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? Number(sorted[middle]) : (Number(sorted[middle - 1]) + Number(sorted[middle])) / 2
}

/**
 * The median of the ratios of each round: what slowed both in one round cancels out.
 *
 * @param {readonly number[]} above
 * @param {readonly number[]} below
 */
export function medianRatio(above, below) {
  return median(above.map((value, round) => value / Number(below[round])))
}
