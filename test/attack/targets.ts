/**
 * Targets of a load that do everything wrong, and documents and metrics that ask for more than there
 * is: whatever it is, the load ends and says what came of it, and its memory is bounded.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { loadTarget } from "../support/load-target.ts"
import { type Attack, shown, type Trial } from "./attack.ts"
import { Stand } from "./child.ts"
import { type HostilePeer, peers, run } from "./peers.ts"
import type { ToLoad } from "./stand/load.ts"

const residentMiBMax = 1200

export const targets: Attack = {
  name: "targets",
  what: "targets, documents and metrics that do everything wrong: a load of them ends, within bounds",
  async run(trial) {
    await using stand = new Stand("load.ts")
    for (const peer of peers) await loaded(trial, stand, peer)
    for (const [name, say] of documents) await read(trial, stand, "document", name, say)
    for (const [name, say] of metrics) await read(trial, stand, "metrics", name, say)
    const { residentMiBMax: most } = await stand.tell<string>({ metrics: "http://127.0.0.1:9" })
    trial.note(`the generator's memory: ${Math.round(most)} MiB at most`)
    if (most > residentMiBMax) trial.found(`more memory than ${residentMiBMax} MiB`)
  },
}

async function loaded(trial: Trial, stand: Stand, peer: HostilePeer): Promise<void> {
  await using hostile = await run(peer)
  trial.tried("targets")
  const { answer } = await stand.tell<string>({ target: hostile.url } satisfies ToLoad)
  if (!/^8 requests/.test(answer)) trial.found(`of one that ${peer.name}: ${shown(answer)}`)
}

type Say = (response: ServerResponse, request: IncomingMessage) => void

async function read(
  trial: Trial,
  stand: Stand,
  kind: "document" | "metrics",
  name: string,
  say: Say,
): Promise<void> {
  await using target = await loadTarget((request, response) => {
    response.on("error", () => {})
    say(response, request)
  })
  trial.tried(kind === "document" ? "documents" : "pages of metrics")
  const url = kind === "document" ? target.url : `${target.url}/metrics`
  const { answer } = await stand.tell<string | { readonly failed: string }>({ [kind]: url })
  const isUnderstood = typeof answer === "string" || /^LoadError/.test(answer.failed)
  if (!isUnderstood) trial.found(`${kind} ${name}: ${shown(JSON.stringify(answer))}`)
}

/** Says the same again and again, until nobody takes it. */
const endless =
  (begin: string, piece: string): Say =>
  (response) => {
    response.write(begin)
    const much = piece.repeat(Math.ceil(1_000_000 / piece.length))
    const on = (): void => {
      if (response.destroyed) return
      if (response.write(much)) setImmediate(on)
      else response.once("drain", on)
    }
    on()
  }

const text =
  (made: () => string): Say =>
  (response) =>
    void response.end(made())

const operation = (schema: unknown): object => {
  return { post: { requestBody: { required: true, content: { "application/json": { schema } } } } }
}
/** One operation, whose body has this schema. */
const bodyOf = (schema: unknown, schemas: object = {}): Say =>
  text(() =>
    JSON.stringify({
      openapi: "3.1.0",
      paths: { "/": operation(schema) },
      components: { schemas },
    }),
  )

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const tenOf = (keyword: string, schema: unknown) => ({ [keyword]: Array(10).fill(schema) })

/** Each level of a schema is ten of the next. */
function levels(keyword: string): object {
  const names = Array.from({ length: 12 }, (_, n) => `l${n}`)
  return Object.fromEntries(names.map((name, n) => [name, tenOf(keyword, ref(`l${n + 1}`))]))
}

const documents: readonly (readonly [name: string, say: Say])[] = [
  ["without end", endless('{"openapi":"3.1.0","paths":{', '"/a":{},')],
  ["of one string without end", endless('{"openapi":"', "a")],
  ["nested 100,000 deep", text(() => `${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
  [
    "with a schema nested 5,000 deep",
    bodyOf(JSON.parse(`${'{"items":'.repeat(5000)}{}${"}".repeat(5000)}`)),
  ],
  ["that refers to itself", bodyOf(ref("a"), { a: ref("a") })],
  ["that refers in a ring", bodyOf(ref("a"), { a: ref("b"), b: ref("a") })],
  [
    "of 10,000 references in a row",
    bodyOf(
      ref("r0"),
      Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`r${n}`, ref(`r${n + 1}`)])),
    ),
  ],
  ...["allOf", "oneOf", "anyOf"].map(
    (keyword) => [`of ten to the twelfth ${keyword}`, bodyOf(ref("l0"), levels(keyword))] as const,
  ),
  ["of a billion items", bodyOf({ type: "array", minItems: 1e9, items: { type: "integer" } })],
  ["of a text of a billion", bodyOf({ type: "string", minLength: 1e9 })],
  [
    "of 50,000 operations",
    text(() =>
      JSON.stringify({
        openapi: "3.1.0",
        paths: Object.fromEntries(
          Array.from({ length: 50_000 }, (_, n) => [
            `/${n}`,
            operation({ type: "array", minItems: 900, items: { type: "integer" } }),
          ]),
        ),
      }),
    ),
  ],
  [
    "with names of prototypes",
    text(
      () =>
        '{"openapi":"3.1.0","paths":{"__proto__":{"get":{}},"constructor":{"get":{"parameters":[{"$ref":"#/__proto__"}]}}}}',
    ),
  ],
  ...[
    "null",
    "[]",
    "{}",
    '""',
    "nonsense",
    '{"paths":null}',
    '{"paths":[]}',
    '{"paths":{"/":null}}',
    '{"paths":{"/":{"get":null}}}',
    '{"paths":{"/":{"get":{"parameters":{}}}}}',
    '{"paths":{"/":{"get":{"parameters":[null]}}}}',
    '{"paths":{"/":{"post":{"requestBody":7}}}}',
    '{"paths":{"/":{"post":{"requestBody":{"content":{"application/json":null}}}}}}',
  ].map((said) => [said, text(() => said)] as const),
  [
    "that is redirected to itself",
    (response) => void response.writeHead(302, { location: "/openapi.json" }).end(),
  ],
  ["that is reset", (response) => void response.socket?.resetAndDestroy()],
]

const metrics: readonly (readonly [name: string, say: Say])[] = [
  ["without end", endless("", "capstan_workers 1\n")],
  ["of one line without end", endless("", "a")],
  ["of a line of 7 MB", text(() => `capstan_workers{a="${"a".repeat(7_000_000)}"} 1\n`)],
  ["of a line of labels", text(() => `capstan_workers{${'a="b",'.repeat(1_000_000)}} 1\n`)],
  ["of escapes", text(() => `capstan_workers{a="${"\\\\".repeat(3_000_000)}`)],
  ["of braces", text(() => "{".repeat(7_000_000))],
  ["of quotes", text(() => 'a{b="'.repeat(1_000_000))],
  [
    "of 200,000 series",
    text(() => Array.from({ length: 200_000 }, (_, n) => `capstan_workers{a="${n}"} 1`).join("\n")),
  ],
  ["of blanks", text(() => `capstan_workers${" ".repeat(7_000_000)}x`)],
  [
    "of numbers that are none",
    text(() => "capstan_workers NaN\ncapstan_queue_length 1e999\nprocess_cpu_seconds_total -Inf\n"),
  ],
  ["that is never said", () => {}],
  ["that is reset", (response) => void response.socket?.resetAndDestroy()],
  [
    "that is redirected to itself",
    (response) => void response.writeHead(302, { location: "/metrics" }).end(),
  ],
]
