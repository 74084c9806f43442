/**
 * What scenarios threw, as data: counted by message and place, each with its first stack and the
 * times it was first and last seen. Their number is bounded, like that of failures: what comes after
 * that is counted under one name, and never lost.
 */
import { type Sighting, Sightings, seenOnce } from "./sightings.ts"

/** One kind of exception of one task. */
export interface ExceptionRow extends Sighting {
  /** The task that threw, or `set-up`, `tear-down`, `wait`. */
  readonly task: string
  /** `TypeError: answer.json().token is undefined`. */
  readonly message: string
  /** The first one's, the calls of the scenario first. */
  readonly stack: string
}

export const exceptionRowsMax = 100
const messageLengthMax = 300
const stackLengthMax = 4000

export class Exceptions extends Sightings<ExceptionRow> {
  constructor() {
    super({
      keyOf: ({ task, message, stack }) => `${task}\n${message}\n${placeOf(stack)}`,
      rowsMax: exceptionRowsMax,
      others: (row) => {
        const message = `one of more than ${exceptionRowsMax} kinds of exception`
        return { ...row, task: "(others)", message, stack: "" }
      },
    })
  }

  add(task: string, thrown: unknown, nowMs: number): void {
    this.merge({ task, ...described(thrown), ...seenOnce(nowMs) })
  }
}

function described(thrown: unknown): { readonly message: string; readonly stack: string } {
  if (!(thrown instanceof Error)) return { message: shortened(String(thrown)), stack: "" }
  const stack = (thrown.stack ?? "").slice(0, stackLengthMax)
  return { message: shortened(`${thrown.name}: ${thrown.message}`), stack }
}

function shortened(message: string): string {
  return message.slice(0, messageLengthMax)
}

/** The innermost call. Two that say the same in different places are two. */
function placeOf(stack: string): string {
  return /^ +at .*$/m.exec(stack)?.[0] ?? ""
}
