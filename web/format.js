/** Numbers and times as people read them. */

/** @param {number} value */
export function count(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`
  return Math.round(value).toLocaleString("en")
}

/** Three digits, more or less. @param {number} value */
export function rate(value) {
  if (value === 0) return "0"
  if (value >= 1000) return Math.round(value).toLocaleString("en")
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** @param {number} ms @returns {[value: string, unit: string]} */
export function timeParts(ms) {
  if (ms >= 9995) return [(ms / 1000).toFixed(1), "s"]
  if (ms >= 999.5) return [(ms / 1000).toFixed(2), "s"]
  return [ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2), "ms"]
}

/** @param {number} ms */
export function time(ms) {
  return timeParts(ms).join(" ")
}

/** @param {number} value */
export function percent(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)}%`
}

/** A round number, on an axis. @param {number} value */
export function short(value) {
  return value >= 10_000 ? `${value / 1000}k` : String(Number(value.toFixed(3)))
}

/** The same of milliseconds. @param {number} ms */
export function shortTime(ms) {
  if (ms === 0) return "0"
  return ms >= 1000 ? `${short(ms / 1000)} s` : `${short(ms)} ms`
}

/** @param {number} value */
export function shortPercent(value) {
  return `${short(value)}%`
}

/** @param {number} part of `whole` @param {number} whole */
export function share(part, whole) {
  if (part === 0 || whole === 0) return "0%"
  const value = (part / whole) * 100
  return value < 0.1 ? "<0.1%" : percent(value)
}

/** `1:05`, `1:02:05`, and before the run began `−0:10`. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.round(Math.abs(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0")
  const sign = seconds < 0 && whole > 0 ? "−" : ""
  return sign + (h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`)
}

/** `14:03:10`, where the reader is. @param {number} ms since 1970 */
export function timeOfDay(ms) {
  return new Date(ms).toLocaleTimeString("en-GB")
}

/** How long ago or for how long: `8 s`, `3 min`, `2 h`. @param {number} ms */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 100) return `${seconds} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

/** `30s`, as the form takes it. @param {number} ms */
export function duration(ms) {
  return `${ms / 1000}s`
}
