/**
 * Metrics in Prometheus' text format, with its naming conventions: base units, `_total` for counters,
 * labels of few values. The process's own (CPU, memory, event-loop lag) come from prom-client.
 *
 * It is taken in parts: whole it has a client for pushing, and with that TLS, compression and a tracing
 * library, which cost a start some 20 ms and 4 MiB. What the process's own need comes when somebody
 * first asks for them.
 */
/// <reference path="./prom-client.d.ts" />
import Counter from "prom-client/lib/counter.js"
import Gauge from "prom-client/lib/gauge.js"
import Histogram from "prom-client/lib/histogram.js"
import Registry from "prom-client/lib/registry.js"
import type { ComputeObserver, ComputePools } from "./compute.ts"
import type { RequestRecord } from "./http/record.ts"
import type { Call, Outcome } from "./outcome.ts"

const durationBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

let ofProcess: Promise<Registry> | undefined

/** One for all servers of the process, because what it observes can't be let go of. */
function processMetrics(): Promise<Registry> {
  ofProcess ??= collected()
  return ofProcess
}

async function collected(): Promise<Registry> {
  const { default: collectDefaultMetrics } = await import("prom-client/lib/defaultMetrics.js")
  const register = new Registry()
  // It counts what is used from here on, and what loading and the first calls took is no less used.
  const { user, system } = process.cpuUsage()
  collectDefaultMetrics({ register })
  for (const [name, usedUs] of [
    ["process_cpu_user_seconds_total", user],
    ["process_cpu_system_seconds_total", system],
    ["process_cpu_seconds_total", user + system],
  ] as const) {
    const counter = register.getSingleMetric(name)
    if (counter instanceof Counter) counter.inc(usedUs / 1e6)
  }
  return register
}

export class Metrics implements ComputeObserver {
  readonly #registry = new Registry()
  readonly #requests = this.#histogram(
    "capstan_request_duration_seconds",
    "Time from a request's arrival to the end of its response.",
    ["operation", "outcome"],
  )
  readonly #queued = this.#histogram(
    "capstan_queue_duration_seconds",
    "Time from a request's arrival to the start of its work on a worker.",
    ["operation"],
  )
  readonly #ran = this.#histogram(
    "capstan_run_duration_seconds",
    "Time for which a request held a worker.",
    ["operation", "outcome"],
  )
  readonly #cpu = this.#counter(
    "capstan_offered_cpu_seconds_total",
    "CPU time that requests asked for: measured where they ran, estimated where they were shed. Of a worker that is a thread it is what that thread used: not what libuv's pool, threads of libraries or child processes did for it.",
    ["operation", "outcome"],
  )
  readonly #shed = this.#counter("capstan_shed_total", "Requests refused, by reason.", [
    "operation",
    "reason",
  ])
  readonly #deaths = this.#counter(
    "capstan_worker_deaths_total",
    "Workers that ended without being told to.",
    [],
  )

  /** Gauges are read when they are asked for. */
  watch(compute: ComputePools): void {
    compute.observer = this
    this.#gauge(
      "capstan_demand_cores",
      "Cores that the offered work asks for, by the CPU time of capstan_offered_cpu_seconds_total.",
      () => {
        return compute.demand().cores
      },
    )
    this.#gauge("capstan_queue_length", "Requests that wait for a worker.", () => {
      return compute.demand().queued
    })
    this.#gauge("capstan_body_bytes_held", "Body bytes of requests in hand.", () => {
      return compute.bytesHeldNow
    })
    const registers = [this.#registry]
    new Gauge({
      name: "capstan_workers",
      help: "Workers, be they threads or processes, by state. Those that are stuck and were not replaced are busy as well.",
      labelNames: ["state"],
      registers,
      collect() {
        for (const [state, count] of Object.entries(compute.counts())) this.set({ state }, count)
      },
    })
    new Gauge({
      name: "capstan_worker_memory_bytes",
      help: "Memory that worker threads hold, when last looked at, by kind (heap: V8's; external: Buffers and typed arrays) and the worker's state. Native code, WebAssembly, shared memory and workers that are processes are not in it.",
      labelNames: ["kind", "state"],
      registers,
      collect() {
        for (const [state, use] of compute.memory()) {
          this.set({ kind: "heap", state }, use.heapBytes)
          this.set({ kind: "external", state }, use.externalBytes)
        }
      },
    })
  }

  used({ call, outcome, queuedMs, ranMs, cpuMs }: Parameters<ComputeObserver["used"]>[0]): void {
    const operation = call.name
    this.#queued.observe({ operation }, queuedMs / 1000)
    this.#ran.observe({ operation, outcome: outcome.kind }, ranMs / 1000)
    this.#cpu.inc({ operation, outcome: outcome.kind }, cpuMs / 1000)
  }

  corrected({ name }: Call, { kind }: Outcome, cpuMs: number): void {
    this.#cpu.inc({ operation: name, outcome: kind }, cpuMs / 1000)
  }

  unserved(operation: string, outcome: Outcome["kind"], cpuMs: number): void {
    this.#cpu.inc({ operation, outcome }, cpuMs / 1000)
  }

  workerDied(): void {
    this.#deaths.inc()
  }

  /** One request is over, whatever became of it. */
  request({ operation, outcome, durationMs, shedReason }: RequestRecord): void {
    this.#requests.observe({ operation: operation ?? "", outcome }, durationMs / 1000)
    if (shedReason !== undefined) {
      this.#shed.inc({ operation: operation ?? "", reason: shedReason })
    }
  }

  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    const both = Registry.merge([this.#registry, await processMetrics()])
    return { contentType: both.contentType, text: await both.metrics() }
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: Label[]) {
    const registers = [this.#registry]
    return new Histogram({ name, help, labelNames, buckets: durationBuckets, registers })
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]) {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read())
      },
    })
  }
}
