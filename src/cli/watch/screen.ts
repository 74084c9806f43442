/** A screenful of a watched deployment, and the same in one line. Pure. */
import {
  bar,
  duration,
  fitted,
  type Line,
  type Note,
  noteLines,
  type Part,
  part,
  type Size,
  type Style,
  section,
  styled,
  time,
} from "../screen/lines.ts"
import type { PodState, WatchState } from "./state.ts"
import type { Sync } from "./sync.ts"
import { syncWords } from "./words.ts"

/** @param pageUrl undefined without one. @param nowMs milliseconds since 1970. */
export function screen(
  state: WatchState,
  pageUrl: string | undefined,
  notes: readonly Note[],
  size: Size,
  nowMs: number,
): string {
  const { name, namespace, context } = state
  const head: readonly Line[] = [
    [[name, "bold"], [` in ${namespace} of ${context}`]],
    ...(pageUrl === undefined ? [] : [[["Live page  ", "cyan"], [pageUrl]] as Line]),
    ...(state.outage === null ? [] : [outageLine(state.outage, nowMs)]),
    [],
    ...summary(state, nowMs),
    [],
  ]
  const foot: readonly Line[] = [[], [["Ctrl-C ends the watch, and nothing else.", "dim"]]]
  const free = Math.max(0, size.rows - head.length - foot.length - 1)
  const table = podTable(state, nowMs, Math.max(2, Math.ceil(free / 2)))
  const left = Math.max(0, free - table.length - 4)
  const decisions = syncLines(state.syncs, Math.ceil(left / 2))
  const said = noteLines(notes, left - decisions.length)
  return fitted(
    [...head, ...table, ...section("Decisions", decisions), ...section("Log", said), ...foot],
    size,
  )
}

/** The same without a terminal, and whole. */
export function statusText(state: WatchState, nowMs: number): string {
  const { name, namespace, context, syncs } = state
  const lines: readonly Line[] = [
    [[`${name} in ${namespace} of ${context}`, "bold"]],
    [],
    ...summary(state, nowMs),
    [],
    ...podTable(state, nowMs, Number.POSITIVE_INFINITY),
    ...section("Decisions", syncLines(syncs, Number.POSITIVE_INFINITY)),
  ]
  return `${lines.map((line) => styled(line, Number.POSITIVE_INFINITY)).join("\n")}\n`
}

/** How it stands, in one line. */
export function standing({ replicas, rollout, cpu, autoscaler }: WatchState): string {
  const { wanted, present, ready } = replicas
  const { utilizationPercent: use, targetPercent: target, cores } = cpu
  return [
    `${wanted} wanted${autoscaler === null ? "" : ` (${autoscaler.min} to ${autoscaler.max})`}, ${present} there, ${ready} ready`,
    ...(rollout === null ? [] : [`version ${rollout.revision} is being rolled out`]),
    ...(use === undefined
      ? []
      : [`CPU at ${use} %${target === undefined ? "" : ` of ${target} %`}`]),
    ...(cores === undefined ? [] : [`${cores.toFixed(2)} cores`]),
  ].join(", ")
}

function outageLine({ sinceMs, why }: NonNullable<WatchState["outage"]>, nowMs: number): Line {
  return [["No answer  ", "red"], [`for ${duration(nowMs - sinceMs)}: ${why}`]]
}

function summary(state: WatchState, nowMs: number): readonly Line[] {
  const { replicas, rollout, autoscaler, trouble, blind, isThere } = state
  if (!isThere) return [[["The deployment is not there; waiting for it.", "yellow"]]]
  const { wanted, present, ready } = replicas
  const bounds = autoscaler === null ? "" : `, from ${autoscaler.min} to ${autoscaler.max}`
  const rolling =
    rollout === null
      ? ""
      : `, version ${rollout.revision} is being rolled out: ${rollout.ready} ready`
  return [
    [
      ["Replicas   ", "cyan"],
      [`${ready} of ${wanted} ready`, ready < wanted ? "yellow" : "green"],
      [`, ${present} there${bounds}${rolling}`],
    ],
    cpuLine(state, nowMs),
    ...autoscalerLines(state, nowMs),
    ...(trouble === null
      ? []
      : [
          [["Trouble    ", "red"], [trouble.message]] as Line,
          [["           "], [trouble.next, "dim"]] as Line,
        ]),
    ...blind.map(({ what, why }): Line => [["Not seen   ", "yellow"], [`${what}: ${why}`]]),
  ]
}

function cpuLine({ cpu }: WatchState, nowMs: number): Line {
  const { utilizationPercent: use, targetPercent: target, requestMilli, cores, measuredMs } = cpu
  const isOver = use !== undefined && target !== undefined && use > target
  const of = requestMilli === undefined ? "" : ` of ${requestMilli}m`
  const said = [
    `${use === undefined ? "–" : `${use} %`}${of}`,
    ...(target === undefined ? [] : [`target ${target} %`]),
    ...(cores === undefined ? [] : [`${cores.toFixed(2)} cores`]),
    ...(measuredMs === undefined ? [] : [`measured ${duration(nowMs - measuredMs)} ago`]),
  ]
  return [
    ["CPU        ", "cyan"],
    ...(target === undefined
      ? []
      : [[`${bar(use, target)} `, isOver ? "yellow" : "green"] as const]),
    [said.join(", ")],
  ]
}

function autoscalerLines({ autoscaler, blind }: WatchState, nowMs: number): readonly Line[] {
  if (autoscaler === null) {
    const isUnseen = blind.some(({ what }) => what === "autoscalers")
    return isUnseen
      ? []
      : [
          [
            ["Autoscaler ", "cyan"],
            ["none", "dim"],
          ],
        ]
  }
  const { conditions, now, blindUntilMs } = autoscaler
  const words = conditions.map((each) => each.words).filter((each) => each !== "")
  const isWrong = conditions.some(
    ({ type, status }) => type !== "ScalingLimited" && status !== "True",
  )
  const memory =
    nowMs < blindUntilMs
      ? `, not knowing what it remembers (for ${duration(blindUntilMs - nowMs)})`
      : ""
  return [
    [
      ["Autoscaler ", "cyan"],
      part(
        conditions.length === 0 ? "has not decided yet" : words.join("; ") || "may scale",
        isWrong && "red",
      ),
    ],
    [
      ["Ours       ", "cyan"],
      [typeof now === "string" ? now : now.reasons.join("; ")],
      [memory, "dim"],
    ],
  ]
}

const columns = [
  ["phase", 10],
  ["for", 7],
  ["CPU", 7],
  ["restarts", 8],
] as const
const nameWidthMax = 45

const phaseStyle: Readonly<Record<PodState["phase"], Style>> = {
  starting: "yellow",
  ready: "green",
  unready: "yellow",
  failed: "red",
  draining: "dim",
}

function podTable({ pods }: WatchState, nowMs: number, rowsMax: number): readonly Line[] {
  const shown = pods.length > rowsMax ? pods.slice(0, rowsMax - 1) : pods
  const hidden = pods.length - shown.length
  const width = Math.min(nameWidthMax, Math.max(7, ...shown.map(({ name }) => name.length))) + 2
  return [
    [
      ["pod".padEnd(width), "dim"],
      ...columns.map(([title, wide]): Part => [title.padEnd(wide), "dim"]),
    ],
    ...shown.map((pod) => podLine(pod, width, nowMs)),
    ...(hidden > 0 ? [[part(`and ${hidden} more`, "dim")]] : []),
  ]
}

function podLine(pod: PodState, width: number, nowMs: number): Line {
  const { name, phase, sinceMs, cpuCores, restarts } = pod
  const values = [
    phase,
    duration(nowMs - sinceMs),
    cpuCores === undefined ? "–" : `${Math.round(cpuCores * 1000)}m`,
    restarts,
  ]
  return [
    [name.slice(0, width - 2).padEnd(width)],
    ...values.map((value, i) =>
      part(`${value}`.padEnd(columns[i]?.[1] ?? 0), i === 0 && phaseStyle[phase]),
    ),
  ]
}

/** A sync that differs takes more than one line. */
function syncLines(syncs: readonly Sync[], max: number): readonly Line[] {
  const lines = syncs.flatMap((sync): readonly Line[] => {
    const [first = "", ...more] =
      sync.differences.length === 0 ? [syncWords(sync).join("; ")] : syncWords(sync)
    const { from, to } = sync.theirs
    return [
      [[`${time(sync.atMs)}  `, "dim"], part(first, from !== to && "bold")],
      ...more.map((text): Line => [["          "], [text, "yellow"]]),
    ]
  })
  return max <= 0 ? [] : lines.slice(-max)
}
