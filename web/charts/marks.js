/** What happened at a moment, drawn through a plot: the autoscaler's decisions, a run's time. */
import { colour } from "../theme.js"
import { font } from "./plot.js"

/** @import uPlot from "../uplot.js" */

/**
 * @typedef {object} Mark
 * @property {number} seconds on the axis
 * @property {number} from replicas
 * @property {number} to
 */

/**
 * A line for each change, and where there is room the change itself: `1 → 3`.
 * @param {uPlot} plot @param {readonly Mark[]} marks @param {boolean} isNamed
 */
export function drawMarks(plot, marks, isNamed) {
  const { ctx, bbox } = plot
  const ratio = devicePixelRatio
  let freeFrom = bbox.left
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height)
  ctx.clip()
  ctx.lineWidth = ratio
  ctx.font = font().replace(/^\d+/, String(11 * ratio))
  ctx.textBaseline = "middle"
  ctx.textAlign = "left"
  for (const { seconds, from, to } of marks) {
    const x = Math.round(plot.valToPos(seconds, "x", true))
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    const ink = colour(to > from ? "--c-up" : "--c-down")
    ctx.strokeStyle = ink
    ctx.globalAlpha = 0.7
    ctx.setLineDash([3 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(x + 0.5, bbox.top)
    ctx.lineTo(x + 0.5, bbox.top + bbox.height)
    ctx.stroke()
    ctx.globalAlpha = 1
    if (!isNamed) continue
    const text = `${from} → ${to}`
    const width = ctx.measureText(text).width + 10 * ratio
    const left = Math.min(x - width / 2, bbox.left + bbox.width - width)
    if (left < freeFrom) continue
    freeFrom = left + width + 4 * ratio
    ctx.fillStyle = ink
    ctx.beginPath()
    ctx.roundRect(left, bbox.top, width, 17 * ratio, 8.5 * ratio)
    ctx.fill()
    ctx.fillStyle = colour("--surface")
    ctx.fillText(text, left + 5 * ratio, bbox.top + 9 * ratio)
  }
  ctx.restore()
}

/**
 * The time in which a run put load on, as a shade behind everything.
 * @param {uPlot} plot @param {{ min: number, max: number } | undefined} span in seconds
 */
export function drawSpan(plot, span) {
  if (span === undefined) return
  const { ctx, bbox } = plot
  const at = (/** @type {number} */ seconds) =>
    Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(seconds, "x", true)))
  const [left, right] = [at(span.min), at(span.max)]
  if (right <= left) return
  ctx.save()
  ctx.fillStyle = colour("--shade")
  ctx.fillRect(left, bbox.top, right - left, bbox.height)
  ctx.restore()
}
