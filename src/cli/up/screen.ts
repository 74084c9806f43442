/**
 * A screenful: where everything is, the replicas, the CPU against its target, the last decisions and
 * what was said last. Pure: text from values, at most as many lines and columns as there are.
 */
import type { LocalState, ReplicaState } from "../../local/state.ts"
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
import type { UpReport } from "./report.ts"

/** @param nowMs milliseconds since 1970. */
export function screen(
  report: UpReport,
  notes: readonly Note[],
  { rows, columns }: Size,
  nowMs: number,
): string {
  const docs: readonly Line[] =
    report.docsUrl === null ? [] : [[["Docs       ", "cyan"], [report.docsUrl]]]
  const head: readonly Line[] = [
    [[report.title, "bold"]],
    [["API        ", "cyan"], [report.url]],
    ...docs,
    [["Live page  ", "cyan"], [report.pageUrl], ["  press Start there", "dim"]],
    [],
    ...summary(report),
    [],
  ]
  const foot: readonly Line[] = [[], [["Ctrl-C finishes what runs and stops.", "dim"]]]
  const free = Math.max(0, rows - head.length - foot.length - 1)
  const table = replicaTable(report, nowMs, Math.max(2, Math.ceil(free / 2)))
  const left = Math.max(0, free - table.length - 3)
  const decisions = decisionLines(report, Math.min(4, Math.ceil(left / 2)))
  const said = noteLines(notes, left - decisions.length)
  return fitted(
    [...head, ...table, ...section("Decisions", decisions), ...section("Log", said), ...foot],
    { rows, columns },
  )
}

/** The same without a terminal: for `capstan status`. */
export function statusText(report: UpReport, nowMs: number): string {
  const lines: readonly Line[] = [
    [[`${report.title} at ${report.url}, live page at ${report.pageUrl}`, "bold"]],
    [],
    ...summary(report),
    [],
    ...replicaTable(report, nowMs, Number.POSITIVE_INFINITY),
    ...section("Decisions", decisionLines(report, 5)),
  ]
  return `${lines.map((line) => styled(line, Number.POSITIVE_INFINITY)).join("\n")}\n`
}

function summary(state: LocalState): readonly Line[] {
  const { ready, wanted, scaling, utilizationPercent, cpuCores, demandCores } = state
  const { minReplicas, maxReplicas, targetPercent, cpuMilli, signal } = scaling
  const rollout = state.isRollingOut ? `, version ${state.version} is being started` : ""
  const use = utilizationPercent === undefined ? "–" : `${utilizationPercent} %`
  const isOver = (utilizationPercent ?? 0) > targetPercent
  return [
    [
      ["Replicas   ", "cyan"],
      [`${ready} of ${wanted} ready`, ready < wanted ? "yellow" : "green"],
      [`, from ${minReplicas} to ${maxReplicas}${rollout}`],
    ],
    [
      ["CPU        ", "cyan"],
      [`${bar(utilizationPercent, targetPercent)} `, isOver ? "yellow" : "green"],
      [`${use} of ${cpuMilli}m, target ${targetPercent} %`],
      [cpuCores === undefined ? "" : `, ${cpuCores.toFixed(2)} cores`],
    ],
    [
      ["Demand     ", "cyan"],
      [demandCores === undefined ? "–" : `${demandCores.toFixed(2)} cores`],
      [signal === "demand" ? ", which decides" : ""],
    ],
    [
      ["Requests   ", "cyan"],
      [`${state.busy} of ${state.workers} workers busy, ${state.queued} queued, `],
      part(`${state.shedTotal} refused`, state.shedTotal > 0 && "yellow"),
      part(state.stuck > 0 ? `, ${state.stuck} stuck in native code` : "", "red"),
    ],
    ...state.troubles.map(
      (why): Line => [
        ["Trouble    ", "cyan"],
        [why.split("\n", 1)[0] ?? "", "red"],
      ],
    ),
  ]
}

const columns = [
  ["replica", 13],
  ["phase", 10],
  ["for", 7],
  ["CPU", 7],
  ["memory", 9],
  ["busy", 6],
  ["queued", 8],
  ["open", 6],
  ["restarts", 8],
] as const

const phaseStyle: Readonly<Record<ReplicaState["phase"], Style>> = {
  pending: "dim",
  starting: "yellow",
  ready: "green",
  unready: "yellow",
  failed: "red",
  draining: "dim",
}

function replicaTable(state: LocalState, nowMs: number, rowsMax: number): readonly Line[] {
  const { replicas } = state
  const shown = replicas.length > rowsMax ? replicas.slice(0, rowsMax - 1) : replicas
  const hidden = replicas.length - shown.length
  return [
    columns.map(([title, width]): Part => [title.padEnd(width), "dim"]),
    ...shown.map((replica) => replicaLine(replica, nowMs)),
    ...(hidden > 0 ? [[part(`and ${hidden} more`, "dim")]] : []),
  ]
}

function replicaLine(replica: ReplicaState, nowMs: number): Line {
  const {
    name,
    phase,
    since,
    cpuCores,
    memoryBytes,
    workers,
    busy,
    queued,
    outstanding,
    restarts,
  } = replica
  const values = [
    name,
    phase,
    duration(nowMs - since),
    cpuCores === undefined ? "–" : `${Math.round(cpuCores * 1000)}m`,
    memoryBytes === undefined ? "–" : `${Math.round(memoryBytes / 2 ** 20)} MiB`,
    busy === undefined ? "–" : `${busy}/${workers}`,
    queued ?? "–",
    outstanding ?? "–",
    restarts,
  ]
  return values.map((value, i) =>
    part(`${value}`.padEnd(columns[i]?.[1] ?? 0), i === 1 && phaseStyle[phase]),
  )
}

function decisionLines({ decisions }: LocalState, max: number): readonly Line[] {
  return max <= 0
    ? []
    : decisions
        .slice(-max)
        .map(({ atMs, from, to, reasons }) => [
          [`${time(atMs)}  `, "dim"],
          part(reasons.join("; "), from !== to && "bold"),
        ])
}
