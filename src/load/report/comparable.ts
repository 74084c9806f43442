/** Whether two runs can be compared at all, and what to keep in mind if so. */
import { formatDuration } from "../pace/duration.ts"
import { percent } from "./figures.ts"
import { secondsMin } from "./noise.ts"
import type { StoredResult } from "./stored.ts"

/** The same load was offered at the same time of both. */
export function isSameLoad(now: StoredResult, before: StoredResult): boolean {
  return now.model === before.model && now.offered === before.offered && now.ended === before.ended
}

/** In sentences, what weighs most first. */
export function comparabilityWarnings(now: StoredResult, before: StoredResult): readonly string[] {
  return [
    ...limits(now, before),
    ...differences(now, before),
    ...(now.total.requests === 0 ? ["Nothing was sent in this run."] : []),
    ...(before.total.requests === 0 ? ["Nothing was sent in the earlier run."] : []),
    ...names(now, before),
    ...failures(now, before),
  ]
}

function limits(now: StoredResult, before: StoredResult): string[] {
  const of = (result: StoredResult, which: string): string[] =>
    result.generator.limit === null
      ? []
      : [
          `The generator was the bottleneck of ${which} run, whose figures say more about it than about the target.`,
        ]
  return [...of(now, "this"), ...of(before, "the earlier")]
}

function differences(now: StoredResult, before: StoredResult): string[] {
  const found: string[] = []
  if (now.scenario !== before.scenario) {
    found.push(`The scenarios differ: "${before.scenario}" before, "${now.scenario}" now.`)
  }
  if (now.model !== before.model) {
    found.push(
      "One run had users and one a rate: latency counts from sending in the one and from when a request was due in the other.",
    )
  }
  if (now.offered !== before.offered) {
    found.push(`The loads differ: ${before.offered} before, ${now.offered} now.`)
  }
  if (now.target !== before.target) {
    found.push(`The targets differ: ${before.target} before, ${now.target} now.`)
  }
  const seconds = Math.min(now.history.length, before.history.length)
  if (seconds < secondsMin) {
    found.push(
      `${seconds} s of figures are too few to tell chance from change; it takes ${secondsMin} at least, and a minute is better.`,
    )
  }
  const [shorter, longer] = [now.durationMs, before.durationMs].toSorted((a, b) => a - b)
  if (shorter! < 0.8 * longer!) {
    found.push(
      `The runs differ in length: ${formatDuration(before.durationMs)} before, ${formatDuration(now.durationMs)} now.`,
    )
  }
  return found
}

function names(now: StoredResult, before: StoredResult): string[] {
  const only = (these: StoredResult, those: StoredResult): string => {
    const known = new Set(those.rows.map(nameOf))
    const missing = these.rows.map(nameOf).filter((name) => !known.has(name))
    const shown = missing.slice(0, namesShown).join(", ")
    return missing.length > namesShown ? `${shown} and ${missing.length - namesShown} more` : shown
  }
  const [gone, come] = [only(before, now), only(now, before)]
  return [
    ...(gone === "" ? [] : [`Only in the earlier run: ${gone}.`]),
    ...(come === "" ? [] : [`Only in this run: ${come}.`]),
  ]
}

const namesShown = 5
/** From so large a difference on, latencies are of different things. */
const failedDifferenceMax = 0.02

function failures(now: StoredResult, before: StoredResult): string[] {
  const [shareNow, shareBefore] = [now, before].map(({ total }) =>
    total.requests === 0 ? 0 : Math.min(1, total.failures / total.requests),
  ) as [number, number]
  return Math.abs(shareNow - shareBefore) <= failedDifferenceMax
    ? []
    : [
        `Of the earlier run ${percent(shareBefore)} failed, of this one ${percent(shareNow)}; failures count in the latencies, and are often quicker than answers.`,
      ]
}

function nameOf({ method, name }: { readonly method: string; readonly name: string }): string {
  return `${method} ${name}`.trim()
}
