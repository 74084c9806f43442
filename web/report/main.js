/**
 * The charts of the HTML report. Its data lies in the document; everything else is there without
 * this script. The charts are the live page's own, and know nothing of a server.
 */
import { TimeAxis } from "../charts/axis.js"
import { Chart } from "../charts/chart.js"
import { loadPictures, targetPictures } from "../charts/pictures.js"
import { shortTime, time } from "../format.js"
import { setColours, theme } from "../theme.js"
import { DistributionCharts } from "./distribution.js"

/** @import { Drawn } from "../../src/load/report/html.ts" */
/** @import { Course } from "../../src/load/books/course.ts" */
/** @import { Picture } from "../charts/chart.js" */

/** @type {Drawn} */
const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}")

/** @type {Picture} */
const lagPicture = {
  title: "Sent late",
  unit: "p99, by the generator",
  format: time,
  tick: shortTime,
  lines: [{ label: "late", colour: "--c-p99", column: "lagP99", isFilled: true }],
}

const axis = new TimeAxis()
axis.startAt(data.startedAtMs)
axis.follow(data.startedAtMs, data.load.timeMs.at(-1) ?? data.endedAtMs)

/** @param {string} name @returns {HTMLElement} */
const place = (name) => {
  const found = document.querySelector(`[data-charts="${name}"]`)
  return found instanceof HTMLElement ? found : document.createElement("div")
}

/** @param {HTMLElement} parent @param {readonly Picture[]} pictures @param {Course} course */
const draw = (parent, pictures, course, marks = /** @type {typeof decisions} */ ([])) => {
  for (const picture of pictures) new Chart(parent, picture, axis).show(course, { marks })
}

const decisions = data.decisions.map(({ atMs, from, to }) => ({
  seconds: axis.secondsOf(atMs),
  from,
  to,
}))
draw(place("load"), loadPictures(data.isOpen), data.load)
if (data.target !== null) draw(place("target"), targetPictures, data.target, decisions)
if (data.lag !== null) draw(place("generator"), [lagPicture], data.lag)
const distributions = new DistributionCharts(place("distribution"), data.distributions)

const repaint = () => {
  axis.repaint()
  distributions.repaint()
}
const button = document.getElementById("theme")
if (button !== null) {
  button.hidden = false
  theme(button, repaint)
}

// Paper is white, whatever the screen was.
let isDark = false
addEventListener("beforeprint", () => {
  isDark = document.documentElement.dataset.theme === "dark"
  for (const details of document.querySelectorAll("details")) details.open = true
  setColours(false)
  repaint()
})
addEventListener("afterprint", () => {
  setColours(isDark)
  repaint()
})
