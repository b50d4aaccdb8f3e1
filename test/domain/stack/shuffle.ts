/** The items in the order of the numbers assigned to them. */
export const shuffle = <A>(items: ReadonlyArray<A>, orders: ReadonlyArray<number>): ReadonlyArray<A> =>
  items
    .map((item, index) => ({ item, order: orders[index] ?? 0 }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)
