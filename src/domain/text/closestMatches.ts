import leven from "leven"

/** Maximum number of steps for one name: comparing two texts takes the product of their lengths. */
const maxSteps = 10_000_000

/**
 * Those of `candidates` that could have been meant by `name`, the most alike first: names that differ in at most a third
 * of their letters, and at least by case or one letter. Of many long candidates, only the first are considered.
 */
export const closestMatches = (name: string, candidates: Iterable<string>): ReadonlyArray<string> => {
  const wanted = name.toLowerCase()
  let steps = 0
  return Array.from(candidates)
    .flatMap((candidate) => {
      const longest = Math.max(1, Math.ceil(Math.max(candidate.length, name.length) / 3))
      if (Math.abs(candidate.length - name.length) > longest) return []
      steps += candidate.length * name.length
      if (steps > maxSteps) return []
      const distance = leven(wanted, candidate.toLowerCase(), { maxDistance: longest + 1 })
      return distance <= longest ? [{ candidate, distance }] : []
    })
    .toSorted((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate)
}
