/**
 * The course of something, as columns of one length: the form in which charts draw, and in which
 * hours by the second cross to a browser in little space.
 */

import type { TargetFigures } from "../target.ts"
import type { Point } from "./history.ts"

export interface Course<Column extends string = string> {
  /** Ends of the intervals, in milliseconds since 1970, ascending. */
  readonly timeMs: readonly number[]
  /** Null where there was nothing to measure, which is a gap in the line. */
  readonly columns: Readonly<Record<Column, readonly (number | null)[]>>
}

/** What is drawn of a run; the same for a single endpoint, without the last two. */
export type LoadColumn =
  | "requestsPerS"
  | "failuresPerS"
  | "p50"
  | "p95"
  | "p99"
  | "users"
  | "offered"

const loadColumns: Readonly<Record<LoadColumn, (point: Point) => number | null>> = {
  requestsPerS: ({ requestsPerS }) => requestsPerS,
  failuresPerS: ({ failuresPerS }) => failuresPerS,
  p50: ({ percentilesMs }) => percentilesMs?.[50] ?? null,
  p95: ({ percentilesMs }) => percentilesMs?.[95] ?? null,
  p99: ({ percentilesMs }) => percentilesMs?.[99] ?? null,
  users: ({ users }) => users,
  offered: ({ offered }) => offered,
}

/**
 * Of a run's points.
 * @param startedAtMs when the run began, in milliseconds since 1970. Times are made of it and of the
 * time since, which no one can set back in mid-run.
 */
export function loadCourse(points: readonly Point[], startedAtMs: number): Course<LoadColumn> {
  return {
    timeMs: points.map(({ elapsedMs }) => Math.round(startedAtMs + elapsedMs)),
    columns: mapped(loadColumns, (read) => points.map((point) => rounded(read(point)))),
  }
}

/** A target's figures at a time; null when it did not answer. */
export interface TargetPoint {
  readonly timeMs: number
  readonly figures: TargetFigures | null
}

export type TargetColumn = keyof typeof targetColumns

const targetColumns = {
  wanted: ({ replicas }: TargetFigures) => replicas.wanted,
  present: ({ replicas }: TargetFigures) => replicas.present,
  ready: ({ replicas }: TargetFigures) => replicas.ready,
  min: ({ replicas }: TargetFigures) => replicas.min,
  max: ({ replicas }: TargetFigures) => replicas.max,
  workers: ({ workers }: TargetFigures) => workers,
  busy: ({ busy }: TargetFigures) => busy,
  queued: ({ queued }: TargetFigures) => queued,
  demandCores: ({ demandCores }: TargetFigures) => demandCores,
  cpuCores: ({ cpuCores }: TargetFigures) => cpuCores,
  utilizationPercent: ({ utilizationPercent }: TargetFigures) => utilizationPercent,
  targetPercent: ({ targetPercent }: TargetFigures) => targetPercent,
}

export function targetCourse(points: readonly TargetPoint[]): Course<TargetColumn | "shedPerS"> {
  const columns = mapped(targetColumns, (read) =>
    points.map(({ figures }) => rounded(figures === null ? null : (read(figures) ?? null))),
  )
  const shedPerS = points.map((point, index) => rounded(shedBetween(points[index - 1], point)))
  return { timeMs: points.map(({ timeMs }) => timeMs), columns: { ...columns, shedPerS } }
}

/** Refused a second, from one reading to the next. A counter that fell began anew, with a replica. */
function shedBetween(earlier: TargetPoint | undefined, later: TargetPoint): number | null {
  const [before, now] = [earlier?.figures?.shedTotal, later.figures?.shedTotal]
  if (before === undefined || now === undefined || now < before) return null
  return (now - before) / ((later.timeMs - earlier!.timeMs) / 1000)
}

function mapped<Name extends string, From, To>(
  object: Readonly<Record<Name, From>>,
  map: (from: From) => To,
): Record<Name, To> {
  const entries = Object.entries(object) as [Name, From][]
  return Object.fromEntries(entries.map(([name, from]) => [name, map(from)])) as Record<Name, To>
}

/** Three digits after the point are more than a chart can show, and a third of the bytes. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1000) / 1000
}
