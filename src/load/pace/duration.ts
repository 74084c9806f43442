/** Durations as people type them: `90`, `500ms`, `30s`, `1m`, `1h30m`. */

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** In milliseconds; `undefined` when it is none. A bare number is in seconds, as Locust has it. */
export function parseDurationMs(text: string): number | undefined {
  const typed = text.trim()
  if (/^\d+(\.\d+)?$/.test(typed)) return Number(typed) * 1000
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(typed)) return undefined
  let totalMs = 0
  for (const [, number = "", unit = ""] of typed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    totalMs += Number(number) * unitsMs[unit]!
  }
  return totalMs
}

/** As it is typed: `1h30m`, `90s` is `1m30s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const totalS = Math.round(ms / 1000)
  const parts = [
    [Math.floor(totalS / 3600), "h"],
    [Math.floor(totalS / 60) % 60, "m"],
    [totalS % 60, "s"],
  ] as const
  return parts.map(([count, unit]) => (count === 0 ? "" : `${count}${unit}`)).join("")
}
