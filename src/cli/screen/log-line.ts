/** Lines of a replica's log as a screen, or who reads along, has them. */
import { withoutSequences } from "../../core/printable.ts"

/** A line of a replica's log for people: the words of a JSON line, without what could steer a terminal. */
export function shownLine(text: string): string {
  const clean = withoutSequences(text)
  if (!clean.startsWith("{")) return clean
  try {
    const { level, msg, err, outcome, durationMs } = JSON.parse(clean) as Record<string, unknown>
    if (typeof msg !== "string") return clean
    const tone = level === "info" ? "" : `${level}: `
    const took = typeof durationMs === "number" ? ` in ${durationMs.toFixed(1)} ms` : ""
    const end = outcome === undefined || outcome === "ok" ? "" : ` (${outcome})`
    const cause = (err as { readonly message?: unknown } | undefined)?.message
    return `${tone}${msg}${took}${end}${typeof cause === "string" ? `: ${cause}` : ""}`
  } catch {
    return clean
  }
}

/** A request that went well, in either format of the log: there are many of those. */
export function isRoutine(text: string): boolean {
  if (text.startsWith("{")) return /"outcome":"ok"/.test(text) && /"level":"info"/.test(text)
  // Of one that did not go well the outcome stands behind it.
  return /^\[[\d:.]+\] INFO: [A-Z]+ \S+ \d{3} in [\d.]+ ms$/.test(withoutSequences(text))
}
