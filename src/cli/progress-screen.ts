/**
 * The live screen of a run, as lines. A function of what is known and of the width: what it looks
 * like in any terminal can be tried without one.
 */
import type { styleText } from "node:util"
import { printableLine } from "../core/printable.ts"
import { shortened } from "../load/report/columns.ts"
import { count, percent, rate, time } from "../load/report/figures.ts"
import type { Snapshot } from "../load/result.ts"
import type { TargetFigures } from "../load/target.ts"

export interface Shown {
  readonly snapshot: Snapshot
  /** Requests a second, of the last seconds. */
  readonly rates: readonly number[]
  readonly isOpen: boolean
  readonly runTimeMs: number | undefined
}

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

const labelWidth = 11
const kindsShown = 3
/** Below, labels would leave no room for what they are of. */
const labelledWidthMin = 40

/** Lines of at most `width` columns, colours aside. */
export function screen(shown: Shown, width: number, paint: Paint): string[] {
  const { snapshot, isOpen } = shown
  const { point, total, failures, generator } = snapshot
  const named = width >= labelledWidthMin
  const line = (label: string, ...parts: readonly (string | undefined)[]): string => {
    const room = named ? width - labelWidth : width
    const text = fitted(parts, room)
    return named ? `${paint("dim", label.padEnd(labelWidth))}${text}` : text
  }
  const { percentilesMs: now } = point
  const share = total.requests === 0 ? 0 : total.failures / total.requests
  return [
    progress(shown, width, paint),
    named
      ? `${paint("dim", "requests/s".padEnd(labelWidth))}${throughput(shown, width - labelWidth, paint)}`
      : throughput(shown, width, paint),
    line(
      "latency",
      ...(now === null
        ? ["nothing was answered in the last second"]
        : percentsShown(width).map((of) => `p${of} ${time(now[of])}`)),
    ),
    line(
      isOpen ? "waiting" : "users",
      isOpen
        ? `${count(point.users)} for their answers`
        : `${count(point.users)} of ${count(point.offered)}`,
    ),
    line(
      "in all",
      `${count(total.requests)} sent`,
      `${count(total.failures)} failed${total.failures === 0 ? "" : ` (${percent(share)})`}`,
    ),
    ...(point.target === null ? [] : [line("target", ...targetParts(point.target))]),
    ...(generator.limit === null
      ? []
      : [paint("yellow", shortened(`! ${generator.limit}`, width))]),
    ...failures
      .slice(0, kindsShown)
      .map(({ occurrences, method, name, error }) =>
        paint(
          "red",
          shortened(
            printableLine(`${count(occurrences)}× ${`${method} ${name}`.trim()}: ${error}`),
            width,
          ),
        ),
      ),
    ...(failures.length > kindsShown
      ? [
          paint(
            "red",
            shortened(`and ${failures.length - kindsShown} more kinds of failure`, width),
          ),
        ]
      : []),
  ]
}

/** The tail is what matters: where there is no room for three, the middle one goes. */
function percentsShown(width: number): readonly (50 | 95 | 99)[] {
  return width < 50 ? [50, 99] : [50, 95, 99]
}

/** `1:05`, `1:02:05`. */
export function clock(ms: number): string {
  const whole = Math.round(ms / 1000)
  const [hours, minutes, seconds] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ]
  const two = (part: number): string => String(part).padStart(2, "0")
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

function progress({ snapshot, runTimeMs }: Shown, width: number, paint: Paint): string {
  const { elapsedMs } = snapshot
  if (runTimeMs === undefined) return shortened(`${clock(elapsedMs)}, until Ctrl-C`, width)
  const text = ` ${clock(elapsedMs)} of ${clock(runTimeMs)}`
  const room = Math.max(0, Math.min(barWidthMax, width - text.length))
  const full = Math.round(room * Math.min(1, elapsedMs / runTimeMs))
  return `${paint("cyan", "━".repeat(full))}${paint("dim", "─".repeat(room - full))}${text}`
}

const barWidthMax = 60

function throughput({ snapshot, rates, isOpen }: Shown, width: number, paint: Paint): string {
  const { requestsPerS, failuresPerS, offered } = snapshot.point
  const text = fitted(
    [
      rate(requestsPerS),
      isOpen ? `of ${rate(offered)}` : undefined,
      failuresPerS > 0 ? `${rate(failuresPerS)} failed` : undefined,
    ],
    width,
  )
  const room = Math.min(barWidthMax - labelWidth, width - text.length - 2)
  return room < 4 ? text : `${paint("cyan", sparkline(rates, room))}  ${text}`
}

const levels = "▁▂▃▄▅▆▇█"

/** The newest to the right, against the highest of those that are shown. */
function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const max = Math.max(...shown, 1e-9)
  return shown
    .map((value) => levels[Math.round((value / max) * (levels.length - 1))])
    .join("")
    .padStart(width)
}

function targetParts(target: TargetFigures): (string | undefined)[] {
  const { wanted, ready, min, max } = target.replicas
  const range = min === undefined || max === undefined ? "" : ` (${min} to ${max})`
  const { cpuCores, utilizationPercent, targetPercent, demandCores, queued } = target
  const against = targetPercent === undefined ? "" : ` of ${Math.round(targetPercent)}%`
  return [
    `${ready} of ${wanted} replicas ready${range}`,
    cpuCores === undefined ? undefined : `CPU ${rate(cpuCores)} cores`,
    utilizationPercent === undefined ? undefined : `${Math.round(utilizationPercent)}%${against}`,
    demandCores === undefined ? undefined : `demand ${rate(demandCores)}`,
    queued === undefined ? undefined : `${count(queued)} queued`,
  ]
}

/** As many of the parts as there is room for, the first in any case. */
function fitted(parts: readonly (string | undefined)[], width: number): string {
  let text = ""
  for (const part of parts) {
    if (part === undefined) continue
    const longer = text === "" ? part : `${text}  ${part}`
    if (text !== "" && longer.length > width) return text
    text = longer
  }
  return shortened(text, Math.max(1, width))
}
