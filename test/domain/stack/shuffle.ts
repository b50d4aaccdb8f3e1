/** The items by the numbers that are given to them, in an order of their own. */
export const shuffle = <A>(items: ReadonlyArray<A>, orders: ReadonlyArray<number>): ReadonlyArray<A> =>
  items
    .map((item, index) => ({ item, order: orders[index] ?? 0 }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)
