/**
 * What a hostile client sends, and the schemas that it is sent against: the same ones under every
 * server in Node. `peers/fastapi/main.py` has the same models.
 */
import * as z from "zod"

/** What is behind them does nothing. */
export const schemas = {
  items: z.array(
    z.union([
      z.object({ kind: z.literal("circle"), radius: z.number() }),
      z.object({ kind: z.literal("rectangle"), width: z.number(), height: z.number() }),
      z.object({ kind: z.literal("text"), text: z.string(), size: z.number() }),
    ]),
  ),
  large: z.array(z.number()),
  pattern: z.object({ name: z.string().regex(/^(a+)+$/) }),
}

/** What `/long` answers: more than sockets hold. */
export const longAnswer = "a".repeat(2 ** 20)

/** The largest body that `large` takes, in bytes: as whoever expects such inputs sets it. */
export const largeBytesMax = 64 * 2 ** 20

export interface Attack {
  readonly name: keyof typeof schemas
  readonly title: string
  /** Bytes of the body; of the pattern, characters to backtrack over: each doubles its time. */
  readonly size: number
  body(size: number): string
  /** What servers answer to it. */
  readonly statuses: readonly string[]
}

const refused = ["400", "422"]

export const attacks: readonly Attack[] = [
  {
    name: "items",
    title: "1 MiB of wrong items",
    size: 2 ** 20,
    body: (size) => listOf('{"kind":"circle","radius":"wide"}', size),
    statuses: refused,
  },
  {
    name: "large",
    title: "48 MB of numbers",
    size: 48_000_000,
    body: (size) => listOf("1234.25", size),
    statuses: ["200"],
  },
  {
    name: "pattern",
    title: "a pattern that backtracks",
    size: 25,
    body: (size) => JSON.stringify({ name: `${"a".repeat(size)}!` }),
    statuses: refused,
  },
]

/** A JSON array of as many of these as fit. */
function listOf(item: string, bytes: number): string {
  return `[${Array(Math.floor((bytes - 1) / (item.length + 1))).fill(item)}]`
}
