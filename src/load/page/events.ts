/**
 * What crosses to the browser. A page fetches the whole state once and then applies events, each of
 * which has the next number; when one is missing, because a computer slept or a line was cut, the
 * page sees it by the number and fetches the whole again. So there is no case of its own for a
 * reload, a second tab, or a laptop that wakes up.
 *
 * web/ reads these types, and nothing else of the server's.
 */

import type { Course, LoadColumn, TargetColumn } from "../books/course.ts"
import type { Offer } from "../config.ts"
import type { Result, Snapshot } from "../result.ts"
import type { TargetDecision, TargetLogLine, TargetReading } from "../target.ts"
import type { Lane } from "./lanes.ts"

export type Status = "idle" | "starting" | "running" | "stopping" | "over"

/** The tab that is in front while nobody has chosen one. */
export type Front = "charts" | "target"

/** The command that serves the page, for its name. */
export type Tool = "load" | "up" | "watch"

/** What the form is filled with. */
export interface Form extends Offer {
  readonly target: string
}

/** All that a page shows. */
export interface PageState {
  /** Another one is another process's: its page has another token, and must be loaded anew. */
  readonly session: string
  /** Of the last event that is in it. */
  readonly number: number
  readonly status: Status
  readonly front: Front
  readonly tool: Tool
  readonly form: Form
  /** How requests are made up: of a scenario file, or of the target's OpenAPI document. */
  readonly scenario: string
  /** When the session began, in milliseconds since 1970, as all times here. */
  readonly openedAtMs: number
  readonly run: RunState | null
  /** Null when there is nothing that tells of the target. */
  readonly target: TargetState | null
  readonly log: readonly Said[]
}

export interface RunState {
  readonly target: string
  readonly model: "open" | "closed"
  readonly offered: string
  readonly startedAtMs: number
  /** What is counted and drawn begins here: at the start, or at the last reset. */
  readonly sinceMs: number
  /** Since the start, when the state was told. */
  readonly elapsedMs: number
  readonly runTimeMs: number | null
  readonly notes: readonly string[]
  readonly snapshot: Snapshot | null
  readonly course: Course<LoadColumn>
  /** Once it is over. */
  readonly verdicts: Result["thresholds"]
}

/** The target's time line belongs to the session: it goes on before, between and after runs. */
export interface TargetState {
  /** Where it is read. */
  readonly where: string
  /** The newest; null when the last try had no answer. */
  readonly reading: TargetReading | null
  readonly course: Course<TargetColumn | "shedPerS">
  readonly lanes: readonly Lane[]
  readonly decisions: readonly TargetDecision[]
  /** Null when this source has no logs. */
  readonly lines: readonly TargetLogLine[] | null
}

/** What the tool itself had to say. */
export interface Said {
  readonly atMs: number
  readonly tone: "plain" | "warning"
  readonly text: string
}

/** One more item for the columns of a course. */
export interface Row<Column extends string = string> {
  readonly timeMs: number
  readonly values: Readonly<Record<Column, number | null>>
}

export type PageEvent =
  /** Something that no other kind tells: fetch the state. */
  | { readonly kind: "changed" }
  /** A second of the run. No row for the rest of a second at its end. */
  | { readonly kind: "second"; readonly snapshot: Snapshot; readonly row: Row<LoadColumn> | null }
  | {
      readonly kind: "target"
      readonly reading: TargetReading | null
      readonly row: Row<TargetColumn | "shedPerS">
      /** Those that are new or have changed. */
      readonly lanes: readonly Lane[]
      readonly decisions: readonly TargetDecision[]
    }
  /** `missed` were too many at once to be sent. */
  | { readonly kind: "lines"; readonly lines: readonly TargetLogLine[]; readonly missed: number }
  | { readonly kind: "said"; readonly said: Said }

export type NumberedEvent = PageEvent & { readonly number: number }

/** On a connection, beside the events. A greeting comes first, and a ping when there is silence. */
export type Greeting = {
  readonly kind: "hello" | "ping"
  readonly session: string
  readonly number: number
}
