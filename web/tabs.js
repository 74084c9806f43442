/** Tabs as the ARIA practices have them: arrow keys move, the panel follows. */

/**
 * @param {HTMLElement} list
 * @param {(panel: string, isByHand: boolean) => void} shown
 * @returns {(panel: string) => void} brings a tab to the front.
 */
export function tabs(list, shown) {
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role="tab"]')])
  /** @param {HTMLElement} chosen @param {boolean} isByHand */
  const choose = (chosen, isByHand) => {
    for (const tab of all) {
      const isChosen = tab === chosen
      tab.setAttribute("aria-selected", String(isChosen))
      tab.tabIndex = isChosen ? 0 : -1
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "")
      if (panel !== null) panel.hidden = !isChosen
    }
    // On a narrow screen the row of tabs is wider than the page.
    const { left, right } = chosen.getBoundingClientRect()
    const row = list.getBoundingClientRect()
    if (left < row.left) list.scrollLeft -= row.left - left
    if (right > row.right) list.scrollLeft += right - row.right
    shown(chosen.id.replace("tab-", ""), isByHand)
  }
  for (const tab of all) tab.addEventListener("click", () => choose(tab, true))
  list.addEventListener("keydown", (event) => {
    const now = all.indexOf(/** @type {HTMLElement} */ (document.activeElement))
    const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1 }[
      event.key
    ]
    const tab = next === undefined ? undefined : all[(next + all.length) % all.length]
    if (tab === undefined) return
    event.preventDefault()
    tab.focus()
    choose(tab, true)
  })
  return (panel) => {
    const tab = all.find(({ id }) => id === `tab-${panel}`)
    if (tab !== undefined) choose(tab, false)
  }
}
