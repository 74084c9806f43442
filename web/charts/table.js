/** A chart's data as a table, for who can't see the chart or wants the numbers. Made when opened. */
import { make } from "../dom.js"

/** More than these are not read; they are spread evenly over what is shown. */
const rowsMax = 40

/**
 * @param {string} title
 * @param {() => { heads: readonly string[], rows: readonly (readonly string[])[] }} read
 * @returns {{ button: HTMLButtonElement, place: HTMLElement }}
 */
export function dataTable(title, read) {
  const place = make("div", { class: "scroll data" })
  const button = make("button", { type: "button", class: "as-table", title: "As a table" }, "⊞")
  place.hidden = true
  button.setAttribute("aria-label", `${title} as a table`)
  button.setAttribute("aria-expanded", "false")
  button.addEventListener("click", () => {
    place.hidden = !place.hidden
    button.setAttribute("aria-expanded", String(!place.hidden))
    place.replaceChildren(...(place.hidden ? [] : [tableOf(title, read())]))
  })
  return { button, place }
}

/** @param {string} title @param {ReturnType<Parameters<typeof dataTable>[1]>} data */
function tableOf(title, { heads, rows }) {
  const step = Math.max(1, Math.ceil(rows.length / rowsMax))
  // Counted from the end, so that the newest is among them.
  const some = rows.filter((_, index) => (rows.length - 1 - index) % step === 0)
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))
  const body = some.map((cells) =>
    make(
      "tr",
      {},
      ...cells.map((text, index) =>
        index === 0 ? make("th", { scope: "row" }, text) : make("td", {}, text),
      ),
    ),
  )
  const caption = step === 1 ? title : `${title}, every ${step} points`
  return make(
    "table",
    {},
    make("caption", {}, caption),
    make("thead", {}, head),
    make("tbody", {}, ...body),
  )
}
