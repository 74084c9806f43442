/** Tabs as the ARIA practices have them: arrow keys move, the panel follows. */

/**
 * @param {HTMLElement} list
 * @param {(panel: string) => void} shown
 */
export function tabs(list, shown) {
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role="tab"]')])
  /** @param {HTMLElement} chosen */
  const choose = (chosen) => {
    for (const tab of all) {
      const isChosen = tab === chosen
      tab.setAttribute("aria-selected", String(isChosen))
      tab.tabIndex = isChosen ? 0 : -1
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "")
      if (panel !== null) panel.hidden = !isChosen
    }
    shown(chosen.id.replace("tab-", ""))
  }
  for (const tab of all) tab.addEventListener("click", () => choose(tab))
  list.addEventListener("keydown", (event) => {
    const now = all.indexOf(/** @type {HTMLElement} */ (document.activeElement))
    const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1 }[
      event.key
    ]
    const tab = next === undefined ? undefined : all[(next + all.length) % all.length]
    if (tab === undefined) return
    event.preventDefault()
    tab.focus()
    choose(tab)
  })
}
