/**
 * Replicas are added, taken away, replaced by new versions and killed while idle, at random, under
 * load: no request is lost. 20 minutes, or as many seconds as SOAK_SECONDS says; SOAK_SEED makes the
 * same choices again.
 *
 * `npm run test:soak`
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { Pool } from "undici"
import { monotonicClock } from "../../src/core/clock.ts"
import { probes } from "../../src/core/probes.ts"
import { Balancer } from "../../src/local/balancer/balancer.ts"
import type { LocalEvent } from "../../src/local/events.ts"
import { Fleet } from "../../src/local/fleet.ts"
import { serviceSource, TemporaryFolder } from "../support/cli.ts"

const seconds = Number(process.env.SOAK_SECONDS ?? 1200)
const seed = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000)
const clients = 8
/** Between two things that happen, give or take as much. */
const pauseMs = 1_500

test(`${seconds} s of random changes lose no request (seed ${seed})`, async (t) => {
  using folder = new TemporaryFolder()
  const module = folder.write("service.ts", serviceSource("1"))
  const balancer = await Balancer.listen({ host: "127.0.0.1", port: 0 })
  const events: LocalEvent[] = []
  const fleet = new Fleet(
    {
      program: {
        entry: fileURLToPath(new URL("../../src/cli/up/child.ts", import.meta.url)),
        boot: {
          moduleUrl: `file://${module}`,
          flags: { logLevel: "warn", spareWorkers: "0" },
          workers: 1,
        },
      },
      traffic: balancer,
      probes,
      startingMax: 2,
      startMsMax: 60_000,
      clock: monotonicClock,
      told: (event) => events.push(event),
    },
    2,
  )
  await fleet.start()
  const random = randomOf(seed)
  const untilMs = performance.now() + seconds * 1000

  const answers = new Map<string, number>()
  const pool = new Pool(balancer.url, { connections: clients })
  const client = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const answer = await pool.request({ path: "/version", method: "GET" }).then(
        async ({ statusCode, body }) => `${statusCode} ${(await body.text()).replace(/^\d+$/, "")}`,
        (error: Error) => `${error}`,
      )
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      await sleep(random() * 20)
    }
  }

  const done = { up: 0, down: 0, reload: 0, kill: 0 }
  const change = async (): Promise<void> => {
    let version = 1
    while (performance.now() < untilMs) {
      await sleep(random() * 2 * pauseMs)
      const choice = random()
      if (choice < 0.3) {
        fleet.scaleTo(Math.min(5, fleet.wanted + 1 + Math.floor(random() * 2)))
        done.up += 1
      } else if (choice < 0.6) {
        fleet.scaleTo(Math.max(1, fleet.wanted - 1))
        done.down += 1
      } else if (choice < 0.8) {
        version += 1
        folder.write("service.ts", serviceSource(`${version}`))
        fleet.reload()
        done.reload += 1
      } else if (killIdle(fleet, balancer)) done.kill += 1
    }
  }
  await Promise.all([change(), ...Array.from({ length: clients }, client)])
  await pool.close()
  await balancer.close(10_000)
  await fleet.close()
  t.diagnostic(`${JSON.stringify(done)}, ${JSON.stringify([...answers])}`)
  assert.deepEqual([...answers.keys()], ["200 "])
  assert.ok(done.up > 0 && done.down > 0 && done.reload > 0 && done.kill > 0)
})

/** One of several that are ready, and has no request. */
function killIdle(fleet: Fleet, balancer: Balancer): boolean {
  const ready = fleet.serving.filter(({ phase }) => phase === "ready")
  if (ready.length < 2) return false
  const stats = balancer.stats()
  const idle = ready.find(
    ({ backend }) => backend !== undefined && stats[backend]?.outstanding === 0,
  )
  if (idle?.pid === undefined) return false
  process.kill(idle.pid, "SIGKILL")
  return true
}

/** Mulberry32, by Tommy Ettinger: small, and the same for the same seed. */
function randomOf(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
