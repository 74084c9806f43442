/**
 * Where two answers to one case differ. Errors compare by their presence, their texts are ours; so
 * are the messages of warnings. Everything else has to be the same, the messages of scalings too.
 */
import { isDeepStrictEqual } from "node:util"
import type { AnsweredSync, ControllerAnswer, ReplicasAnswer } from "./cases.ts"

export function differences(theirs: Answer, ours: Answer): readonly string[] {
  return compare("", comparable(theirs), comparable(ours))
}

type Answer = ReplicasAnswer | ControllerAnswer

function comparable(answer: Answer): unknown {
  if ("error" in answer) return { id: answer.id, error: true }
  if ("invalid" in answer) return { id: answer.id, invalid: true }
  if (!("syncs" in answer) || answer.syncs === undefined) return answer
  return { ...answer, syncs: answer.syncs.map(comparableSync) }
}

function comparableSync({ error, events = [], ...sync }: AnsweredSync): unknown {
  return {
    ...sync,
    error: error !== undefined,
    events: events.map(([type, ...event]) => [type, ...(type === "Normal" ? event : [event[0]])]),
  }
}

function compare(path: string, theirs: unknown, ours: unknown): readonly string[] {
  if (isDeepStrictEqual(theirs, ours)) return []
  if (!isObject(theirs) || !isObject(ours) || Array.isArray(theirs) !== Array.isArray(ours)) {
    return [`${path}: theirs ${JSON.stringify(theirs)}, ours ${JSON.stringify(ours)}`]
  }
  const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)])
  return Array.from(keys).flatMap((key) => compare(`${path}.${key}`, theirs[key], ours[key]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}
