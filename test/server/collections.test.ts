/**
 * A request that was answered is gone at the next young collection. It takes little to hold every one
 * of them until the next full one, though nobody wants them any more: see
 * core/http/young-listeners.ts.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import autocannon from "autocannon"
import { CliProcess } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { RawClient } from "../support/raw-client.ts"
import { root } from "../support/repository.ts"

const example = `${root}examples/prime-factor/service.ts`
/** More than V8 looks at before it decides what becomes of listeners. */
const connectionsFirst = 300
const requestsMade = 4000

for (const [name, request] of [
  ["on the main thread", { method: "GET", path: "/ping" }],
  [
    "on a worker, with a body",
    {
      method: "POST",
      path: "/api/v1/hello",
      headers: { "content-type": "application/json" },
      body: '{"n":65537}',
    },
  ],
] as const) {
  test(`what was answered ${name} does not outlive a young collection`, async () => {
    const flags = ["--port", "0", "--management-port", "0", "--workers", "1"]
    // A worker that is nice gets little where others want this machine as well.
    const patient = ["--worker-nice", "0", "--connection-age-ms", "0"]
    await using serving = new CliProcess(["serve", example, ...flags, ...patient], {
      node: [
        "--trace-gc",
        // V8 compiles the emitter's code after half as many calls as by default, together with its
        // callers, when the connections' own arrays have been moved to the old.
        "--invocation-count-for-turbofan=1500",
        // It decides at a collection of young space that can't grow any more.
        "--min-semi-space-size=2",
        "--max-semi-space-size=2",
        "--conditions=capstan-source",
      ],
    })
    const { url } = await serving.served()
    // Their listeners live, and there are so many of them that V8 takes it for a rule.
    const clients = Array.from({ length: connectionsFirst }, () =>
      RawClient.connect(Number(new URL(url).port)),
    )
    for (const client of await Promise.all(clients)) {
      client.write("GET /ping HTTP/1.1", "host: x", "", "")
      await client.read("pong")
    }
    const { errors } = await autocannon({
      url,
      requests: [{ ...request }],
      connections: 16,
      amount: requestsMade,
      timeout: patienceMs() / 1000,
    })
    for (const client of await Promise.all(clients)) client[Symbol.dispose]()
    // Some may be refused where this machine stalls, and a refusal must be gone as well.
    assert.equal(errors, 0)
    // The first half is of the start, whose objects are meant to stay, and of code that is not compiled.
    const collections = youngCollections(serving.stdout)
    const late = collections.slice(collections.length / 2)
    assert.ok(late.length >= 15, `only ${late.length} collections`)
    const sumOf = (key: "made" | "freed") => late.reduce((sum, each) => sum + each[key], 0)
    const share = sumOf("freed") / sumOf("made")
    assert.ok(share > 0.86, `${share} is freed: ${JSON.stringify(late)}`)
  })
}

/** By young collection of the main thread: what it freed, of what was made since the one before, in MB. */
function youngCollections(trace: string) {
  const pattern =
    /^\[\d+:(0x\w+)\] .* ms: (Scavenge|Mark-Compact|\w+ Mark-Compact) ([\d.]+) .*? -> ([\d.]+) /gm
  const [first, ...rest] = Array.from(trace.matchAll(pattern), ([, isolate, kind, from, to]) => ({
    isolate,
    isYoung: kind === "Scavenge",
    from: Number(from),
    to: Number(to),
  }))
  // The main thread's isolate is the first there is.
  const mine = rest.filter(({ isolate }) => isolate === first?.isolate)
  return mine.flatMap(({ isYoung, from, to }, i) => {
    const before = mine[i - 1]
    return before === undefined || !isYoung ? [] : [{ freed: from - to, made: from - before.to }]
  })
}
