/**
 * The whole arc on a real cluster: a module becomes an image, the image a deployment, load makes it
 * grow, every request is answered, and in the end nothing is left.
 *
 * `npm run test:cluster`, with the kubeconfig's current context and a registry: docs/kubernetes.md
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Pool } from "undici"
import type { Deployment, HorizontalPodAutoscaler } from "../../src/kubernetes/kinds.ts"
import { runCli } from "../support/cli.ts"
import { TestNamespace, testRegistry } from "../support/cluster.ts"
import { patienceMs, patientMs } from "../support/patience.ts"
import { root } from "../support/repository.ts"

const module = `${root}examples/prime-factor/service.ts`
const name = "prime-factors"
const clients = 6
/** Of which the cluster decides how long it takes: this is for what never comes. */
const scaleMsMax = patientMs(600_000)

async function capstan(...args: readonly string[]): Promise<string> {
  const ran = await runCli(args, {
    node: ["--conditions=capstan-source"],
    env: { KUBECONFIG: process.env.KUBECONFIG },
  })
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  return ran.stdout.trim()
}

test("from a module to an autoscaled service and back to nothing", async (t) => {
  await using space = await TestNamespace.make()
  const startedAtMs = performance.now()
  const since = (): string => `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`
  const tag = `${testRegistry()}/${space.name}/${name}:1`

  const builder =
    process.env.TEST_BUILDER === undefined ? [] : ["--builder", process.env.TEST_BUILDER]
  const image = await capstan("image", module, "--tag", tag, "--push", ...builder)
  assert.match(image, /@sha256:[0-9a-f]{64}$/)
  t.diagnostic(`image built and pushed after ${since()}`)

  const given = ["--namespace", space.name, "--image", image, "--expose", "NodePort"]
  const scaling = ["--min-replicas", "1", "--max-replicas", "4", "--target-cpu", "50"]
  const size = ["--cpu", "150m", "--cpu-limit", "150m", "--memory", "192Mi"]
  const url = await capstan("deploy", module, ...given, ...scaling, ...size)
  const first = await fetch(`${url}/api/v1/hello`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"n": 600851475143}',
  })
  assert.deepEqual(
    [first.status, ((await first.json()) as { largest_prime_factor: number }).largest_prime_factor],
    [200, 6857],
  )
  t.diagnostic(`URL answers after ${since()}`)

  const load = startLoad(url)
  try {
    const grownMs = await scaledUp(space)
    t.diagnostic(`4 replicas ready after ${(grownMs / 1000).toFixed(1)} s of load`)
    // The next version takes over while they all go on sending.
    const rolledAtMs = performance.now()
    await capstan("deploy", module, ...given, ...scaling, ...size, "--env", "RELEASE=2")
    t.diagnostic(`rolled over after ${((performance.now() - rolledAtMs) / 1000).toFixed(1)} s`)
  } finally {
    await load.stop()
  }
  assert.deepEqual([...load.statuses.keys()], [200], JSON.stringify([...load.statuses]))
  assert.deepEqual(load.failures, [])
  t.diagnostic(`${load.statuses.get(200)} requests, all answered 200`)

  const downAtMs = performance.now()
  const left = await capstan("down", name, "--namespace", space.name)
  assert.equal(left, "nothing remains")
  t.diagnostic(`nothing remains after ${((performance.now() - downAtMs) / 1000).toFixed(1)} s`)
  assert.equal(await capstan("down", name, "--namespace", space.name), "nothing remains")
  assert.deepEqual(await gone(space), [])
})

/** A bounded number of clients, each with a connection that it keeps, each sending when answered. */
function startLoad(url: string): {
  readonly statuses: ReadonlyMap<number, number>
  readonly failures: readonly string[]
  stop(): Promise<void>
} {
  const pool = new Pool(url, { connections: clients })
  const statuses = new Map<number, number>()
  const failures: string[] = []
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  let running = true
  const client = async (): Promise<void> => {
    while (running) {
      try {
        const { statusCode, body } = await pool.request({
          method: "POST",
          path: "/api/v1/hello",
          headers: { "content-type": "application/json" },
          body: "{}",
        })
        await body.dump()
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
      } catch (error) {
        failures.push(String(error))
        await Promise.race([sleep(100), stopped])
      }
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    statuses,
    failures,
    async stop() {
      running = false
      stop()
      await all
      await pool.close()
    },
  }
}

/** Resolves to how long it took until the autoscaler's most replicas were ready. */
async function scaledUp({ api, name: namespace }: TestNamespace): Promise<number> {
  const startedAtMs = performance.now()
  const of = (group: string, plural: string) =>
    `/apis/${group}/namespaces/${namespace}/${plural}/${name}`
  for (;;) {
    const elapsedMs = performance.now() - startedAtMs
    const { status } = await api.json<Deployment>(of("apps/v1", "deployments"))
    if (status?.readyReplicas === 4) return elapsedMs
    if (elapsedMs > scaleMsMax) {
      const hpa = await api.json<HorizontalPodAutoscaler>(
        of("autoscaling/v2", "horizontalpodautoscalers"),
      )
      assert.fail(`not scaled up: ${JSON.stringify({ status, hpa: hpa.status })}`)
    }
    await sleep(500)
  }
}

/** Metrics of pods outlive the pods by a scrape. */
async function gone(space: TestNamespace): Promise<string[]> {
  const endMs = performance.now() + patienceMs()
  for (;;) {
    const found = await space.withOurLabel()
    if (found.length === 0 || performance.now() > endMs) return found
    await sleep(1000)
  }
}
