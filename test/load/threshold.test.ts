import assert from "node:assert/strict"
import { test } from "node:test"
import { Histogram } from "../../src/core/histogram.ts"
import { judge, parseThreshold } from "../../src/load/threshold.ts"

const latency = new Histogram()
for (let ms = 1; ms <= 100; ms++) latency.add(ms)
const measured = { latency, requests: 100, failures: 2, requestsPerS: 50 }

test("a threshold is kept or crossed, and says what was measured", () => {
  const check = (text: string, kept: boolean, told: string): void => {
    const verdict = judge(parseThreshold(text), measured)
    assert.deepEqual(verdict, { threshold: text, kept, measured: told })
  }
  check("p99<500ms", true, "99.01ms")
  check("p50 <= 0.03s", false, "50.02ms")
  check("p99.9<100ms", false, "100ms")
  check("p100<=100ms", true, "100ms")
  check("mean<51ms", true, "50.5ms")
  check("max>1s", false, "100ms")
  check("errors<1%", false, "2%")
  check("errors<=2%", true, "2%")
  check("rate>=50/s", true, "50/s")
  check("rate>4000/m", false, "50/s")
})

test("of nothing, no threshold is kept", () => {
  const nothing = { latency: new Histogram(), requests: 0, failures: 0, requestsPerS: 0 }
  assert.equal(judge(parseThreshold("p99<500ms"), nothing).kept, false)
  assert.equal(judge(parseThreshold("errors<1%"), nothing).kept, false)
})

test("what can't be read says why, with examples", () => {
  const says = (text: string, expected: RegExp): void => {
    assert.throws(() => parseThreshold(text), { name: "LoadError", message: expected })
  }
  says("fast", /it is not NAME, < or >, VALUE.*p99<500ms/)
  says("p101<5ms", /there is no "p101"/)
  says("speed<5ms", /there is no "speed"/)
  says("p99<500", /"500" is not a value for p99/)
  says("errors<1", /"1" is not a value for errors/)
  says("rate>1ms", /"1ms" is not a value for rate/)
})
