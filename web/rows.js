/**
 * Rows that stay what they are while their figures change: a focus, a selection or an opened detail
 * is not lost each second, and only what is another is touched.
 */

/** @type {WeakMap<Element, Map<string, HTMLElement>>} */
const known = new WeakMap()

/**
 * @template Item
 * @param {HTMLElement} parent
 * @param {readonly Item[]} items in the order of the rows.
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => HTMLElement} create
 * @param {(row: HTMLElement, item: Item) => void} update
 */
export function showRows(parent, items, keyOf, create, update) {
  const before = known.get(parent) ?? new Map()
  /** @type {Map<string, HTMLElement>} */
  const now = new Map()
  for (const item of items) {
    const key = keyOf(item)
    if (now.has(key)) continue
    const row = before.get(key) ?? create(item)
    update(row, item)
    const place = parent.children[now.size]
    if (place !== row) parent.insertBefore(row, place ?? null)
    now.set(key, row)
  }
  for (const [key, row] of before) if (!now.has(key)) row.remove()
  known.set(parent, now)
}
