/** A server one of whose calls needs more memory than it may. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { pino } from "pino"
import { serveTrial } from "../support/server.ts"

const module = new URL("../fixtures/pool/grows.ts", import.meta.url)

for (const what of ["a Map", "typed arrays"]) {
  test(`a call that grows by ${what} is a 500 that says so, while others and probes go on`, async () => {
    const lines: string[] = []
    const logger = pino({ level: "error" }, { write: (line: string) => void lines.push(line) })
    await using trial = await serveTrial({ workerMemoryMiB: 48 }, module, { logger })
    let isOver = false
    const grown = trial.call("POST", "/grow", { what }).finally(() => {
      isOver = true
    })
    while (!isOver) {
      assert.equal((await trial.probe("/livez")).status, 200)
      assert.equal((await trial.call("POST", "/echo", "here")).json, "here")
    }
    const { status, json } = await grown
    assert.equal(status, 500)
    assert.equal(json.detail, "The request needed more memory than the service may use for one.")
    const told = lines.map((line) => JSON.parse(line))
    const died = told.filter(({ how }) => how === "out-of-memory")
    assert.equal(died.length, 1, lines.join(""))
    assert.match(died[0].err.message, /may use 48 MiB of memory.*workerMemoryMiB/)
    const { text } = await trial.probe("/metrics")
    assert.match(text, /^capstan_worker_deaths_total 1$/m)
    assert.match(text, /outcome="crashed"/)
    assert.match(text, /^capstan_worker_memory_bytes\{kind="heap",state="idle"\} [1-9]\d*$/m)
    assert.match(text, /^capstan_worker_memory_bytes\{kind="external",state="idle"\} [1-9]\d*$/m)
  })
}
