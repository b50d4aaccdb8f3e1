import leven from "leven"

/**
 * Those of `candidates` that could have been meant by `name`, the most alike first: names that differ in at most a third
 * of their letters, and at least by case or one letter.
 */
export const closestMatches = (name: string, candidates: Iterable<string>): ReadonlyArray<string> => {
  const wanted = name.toLowerCase()
  return Array.from(candidates, (candidate) => {
    const longest = Math.max(1, Math.ceil(Math.max(candidate.length, name.length) / 3))
    const distance = leven(wanted, candidate.toLowerCase(), { maxDistance: longest + 1 })
    return { candidate, distance, near: distance <= longest }
  })
    .filter(({ near }) => near)
    .toSorted((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate)
}
