/** The functions of the benches as a Capstan service, with the schemas that the peers have. */
import { bytes, operation, service } from "capstan"
import * as z from "zod"
import { largeBytesMax, longAnswer, schemas } from "./attacks.ts"
import * as functions from "./peers/functions.ts"

const hello = operation({
  path: "/api/v1/hello",
  body: z.object({ n: z.int().min(2).max(Number.MAX_SAFE_INTEGER) }),
  output: z.object({
    message1: z.string(),
    message2: z.string(),
    n: z.int(),
    largest_prime_factor: z.int(),
    elapsed_time: z.number(),
  }),
  run: ({ body }) => functions.hello(body.n),
})

const spin20 = operation({
  method: "GET",
  path: "/spin20",
  output: z.object({ result: z.int() }),
  deadlineMs: 1000,
  run: () => ({ result: functions.spin20() }),
})

const empty = operation({
  method: "GET",
  path: "/empty",
  output: z.object({ ok: z.boolean() }),
  run: () => ({ ok: functions.empty() }),
})

/** Gives back what it gets. */
const back = operation({
  path: "/back",
  body: bytes("application/octet-stream"),
  output: bytes("application/octet-stream"),
  run: ({ body }) => body.bytes,
})

const ping = operation({
  method: "GET",
  path: "/ping",
  output: z.object({ ping: z.string() }),
  thread: "main",
  run: () => ({ ping: "pong!" }),
})

const long = operation({
  method: "GET",
  path: "/long",
  output: bytes("text/plain"),
  thread: "main",
  run: () => Buffer.from(longAnswer),
})

const done = z.object({ done: z.boolean() })
const items = operation({
  path: "/hostile/items",
  body: schemas.items,
  output: done,
  run: () => ({ done: true }),
})
const large = operation({
  path: "/hostile/large",
  body: schemas.large,
  bodyBytesMax: largeBytesMax,
  output: done,
  run: () => ({ done: true }),
})
const pattern = operation({
  path: "/hostile/pattern",
  body: schemas.pattern,
  output: done,
  run: () => ({ done: true }),
})

export default service({
  title: "What the benches measure",
  version: "1.0.0",
  operations: { hello, spin20, empty, back, ping, long, items, large, pattern },
})
