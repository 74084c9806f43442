/** Where a target tells of itself. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { findTarget } from "../../src/load/target/management.ts"
import { prometheusTarget } from "../../src/load/target/prometheus.ts"
import { parseSamples, sumOf } from "../../src/load/target/prometheus-text.ts"
import { eventually } from "../support/cli.ts"
import { loadTarget } from "../support/load-target.ts"
import { patienceMs } from "../support/patience.ts"
import { read } from "../support/repository.ts"

test("samples are read as Prometheus writes them, and what is none is passed over", () => {
  const samples = parseSamples(`# HELP up says "x{y}" 1
# TYPE up gauge
up 1
shed{reason="full",operation="a\\"}b"} 3 1700000000000
shed{reason="late"}	4
nan NaN
inf +Inf
{x="1"} 2
lonely
small 1e-3 # {trace="1"} 2
windows 5\r
close{a="1"}6
spaced { a = "1" , b="2", } 7
{"quoted.name",a="1","b.c"="\\n\\\\\u2028"} 8 17
{a="1", "last"}9
empty{} 10
commaless{a="1"b="2"} 11
leading{,a="1"} 12
twice{"named"} 13
{"once","more"} 14
bare{a} 15
{""} 16
open{a="1" 17
unclosed{a="1} 18
trailing 19 x
quoted"1" 20
21 22
`)
  assert.deepEqual(
    samples.map(({ name, value }) => [name, value]),
    [
      ["up", 1],
      ["shed", 3],
      ["shed", 4],
      ["small", 0.001],
      ["windows", 5],
      ["close", 6],
      ["spaced", 7],
      ["quoted.name", 8],
      ["last", 9],
      ["empty", 10],
    ],
  )
  assert.deepEqual(samples[1]?.labels, { reason: "full", operation: 'a"}b' })
  assert.deepEqual(samples[6]?.labels, { a: "1", b: "2" })
  assert.deepEqual(samples[7]?.labels, { a: "1", "b.c": "\n\\\u2028" })
  assert.equal(sumOf(samples, "shed"), 7)
  assert.equal(sumOf(samples, "shed", { reason: "late" }), 4)
  assert.equal(sumOf(samples, "none"), undefined)
})

test("each page is a replica: figures are added up, CPU is a rate, and a silent one is not ready", async () => {
  let seconds = 10
  let isUp = true
  const page = (extra: string) =>
    loadTarget((_, response) => {
      response.statusCode = isUp ? 200 : 503
      response.end(`process_cpu_seconds_total ${seconds}\n${extra}`)
    })
  await using one = await page('capstan_queue_length 2\ncapstan_workers{state="busy"} 1\n')
  await using two = await page('capstan_queue_length 3\ncapstan_shed_total{reason="full"} 4\n')
  const source = prometheusTarget(
    [one, two].map(({ url }) => ({ metrics: new URL("/metrics", url) })),
    patienceMs(),
  )

  const first = await source.read()
  assert.deepEqual(first?.replicas, { wanted: 2, present: 2, ready: 2 })
  assert.equal(first?.queued, 5)
  assert.equal(first?.busy, 1)
  assert.equal(first?.shedTotal, 4)
  assert.equal(first?.cpuCores, undefined, "one reading is no rate")
  assert.equal(first?.demandCores, undefined, "nobody tells it")
  seconds += 1
  const second = await source.read()
  assert.ok((second?.cpuCores ?? 0) > 0)

  // A counter that falls is a new process's: no negative CPU, and one restart each.
  seconds = 0
  const third = await source.read()
  assert.equal(third?.cpuCores, undefined)
  assert.deepEqual(
    third?.pods?.map(({ restarts }) => restarts),
    [1, 1],
  )

  await two[Symbol.asyncDispose]()
  const fourth = await source.read()
  assert.deepEqual(fourth?.replicas, { wanted: 2, present: 1, ready: 1 })
  assert.deepEqual(
    fourth?.pods?.map(({ phase }) => phase),
    ["ready", "failed"],
  )
  isUp = false
  assert.equal(await source.read(), undefined)
})

test("a page that tells of replicas stands for them and is none", async () => {
  await using page = await loadTarget((_, response) =>
    response.end(`capstan_replicas_wanted 3
capstan_replicas{phase="ready"} 1
capstan_replicas{phase="starting"} 2
capstan_cpu_cores 0.75
`),
  )
  const source = prometheusTarget([{ metrics: new URL("/metrics", page.url) }], patienceMs())
  const reading = await source.read()
  assert.deepEqual(reading?.replicas, { wanted: 3, present: 3, ready: 1 })
  assert.equal(reading?.cpuCores, 0.75)
  assert.equal(reading?.pods, undefined)
})

test("only a Capstan service is found beside a target, and no other's metrics", async () => {
  let text = "capstan_demand_cores 1.5\n"
  await using page = await loadTarget((_, response) => response.end(text))
  const target = new URL("http://127.0.0.1:1")
  const port = Number(new URL(page.url).port)
  // It has a second for its answer, and on a machine that is busy misses that now and then.
  const found = await eventually(() => findTarget(target, port), "the service's metrics")
  assert.equal(found.where, `${page.url}/metrics`)
  // Port 9090 is Prometheus' own.
  text = "process_cpu_seconds_total 1\n"
  assert.equal(await findTarget(target, port), undefined)
  await page[Symbol.asyncDispose]()
  assert.equal(await findTarget(target, port), undefined)
})

test("every metric that is read is in the documentation", () => {
  const names = read("src/load/target/prometheus.ts").matchAll(/"((?:capstan|process)_\w+)"/g)
  const document = read("docs/load.md")
  const missing = Array.from(names, ([, name = ""]) => name).filter(
    (name) => !document.includes(`\`${name}\``),
  )
  assert.deepEqual(missing, [])
})
