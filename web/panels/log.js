/** What the tool itself said. */
import { make } from "../dom.js"
import { timeOfDay } from "../format.js"
import { showRows } from "../rows.js"

/** @import { Said } from "../../src/load/page/events.ts" */

/** The newest first. @param {HTMLElement} list @param {readonly Said[]} log */
export function showLog(list, log) {
  showRows(
    list,
    log.map((said, index) => ({ ...said, key: `${said.atMs} ${index}` })).toReversed(),
    ({ key }) => key,
    ({ atMs, tone, text }) => {
      const item = make("li", {}, make("time", {}, timeOfDay(atMs)), make("span", {}, text))
      item.dataset.tone = tone
      return item
    },
    () => {},
  )
}
