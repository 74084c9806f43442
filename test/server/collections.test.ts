/**
 * A request that was answered is gone at the next young collection. It takes little to hold every one
 * of them until the next full one, though nobody wants them any more: see
 * core/http/young-listeners.ts.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import autocannon from "autocannon"
import { CliProcess } from "../support/cli.ts"
import { root } from "../support/repository.ts"

const example = `${root}examples/prime-factor/service.ts`
/** The first ones are of the start, whose objects are meant to stay. */
const collectionsSkipped = 40
const collectionsMin = 15
const roundsMax = 20

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
  test(`what was answered ${name} does not outlive a young collection`, async (t) => {
    const flags = ["--port", "0", "--management-port", "0", "--workers", "1"]
    await using serving = new CliProcess(["serve", example, ...flags], {
      // V8 compiles the emitter's code after half as many calls as by default, together with its
      // callers, when the connections' own arrays have been moved to the old.
      node: ["--trace-gc", "--invocation-count-for-turbofan=1500", "--conditions=capstan-source"],
    })
    const { url } = await serving.served()
    let freed: readonly number[] = []
    for (let round = 0; freed.length < collectionsMin; round++) {
      assert.ok(round < roundsMax, `only ${freed.length} collections`)
      const requests = [{ ...request }]
      const { non2xx } = await autocannon({ url, requests, connections: 64, amount: 10_000 })
      assert.equal(non2xx, 0)
      freed = freedShares(serving.stdout).slice(collectionsSkipped)
    }
    const share = freed.toSorted((a, b) => a - b)[Math.floor(freed.length / 2)] ?? 0
    t.diagnostic(`${Math.round(100 * share)} % of what was made since the last collection is freed`)
    assert.ok(share > 0.9, `${freed.map((each) => each.toFixed(2)).join(" ")}`)
  })
}

/** By young collection of the main thread: what it freed, of what was made since the one before. */
function freedShares(trace: string): readonly number[] {
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
    return before === undefined || !isYoung ? [] : [(from - to) / (from - before.to)]
  })
}
