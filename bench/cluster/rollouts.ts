/**
 * Ten versions, one after the other, each rolled out over the one before while 50 clients send as
 * fast as they are answered, each on a connection that it keeps. Two replicas, and never fewer.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Figures } from "../report.ts"
import type { ClusterBench } from "./bench.ts"
import { Clients, inWords } from "./clients.ts"
import { drawn } from "./numbers.ts"
import { Place, size } from "./place.ts"
import { allReady } from "./watched.ts"

const rollouts = 10
const clients = 50
const replicas = 2
/** All have come, and what is measured has not begun with a start. */
const settleMs = 10_000

export const rolling: ClusterBench = {
  name: "rollouts",
  question: `How many requests of ${clients} keep-alive clients fail in ${rollouts} rolling updates?`,
  async run() {
    await using place = await Place.make()
    const image = await place.image()
    const fixed = ["--min-replicas", `${replicas}`, "--max-replicas", `${replicas}`]
    const flags = [...fixed, "--cpu-limit", size.cpu]
    const url = await place.deploy(image, ...flags, "--env", "RELEASE=0")
    await allReady(place, replicas)
    await using load = Clients.start({ url, clients, body: drawn })
    await sleep(settleMs)
    const each: Figures[] = []
    for (let release = 1; release <= rollouts; release++) {
      process.stderr.write(`  rollout ${release}/${rollouts}\n`)
      each.push(await rollOut(place, image, [...flags, "--env", `RELEASE=${release}`], load))
    }
    // What the last one's old replicas still had is answered while they go.
    await sleep(settleMs)
    await load.stop()
    return {
      columns: [
        { key: "seconds", title: "took, s", digits: 1 },
        { key: "requests", title: "requests meanwhile", digits: 0 },
        { key: "failed", title: "failed", digits: 0 },
        { key: "p50", title: "p50, ms", digits: 0 },
        { key: "p99", title: "p99, ms", digits: 0 },
      ],
      rows: new Map([["a rollout", each]]),
      requirements: [
        {
          what: `failed of ${load.requests} requests, all ${rollouts} rollouts together`,
          is: load.failures.length,
          must: "at most",
          bound: 0,
        },
      ],
      notes: [
        `${replicas} replicas of ${size.cpu}, limit and request; ${clients} clients as in the surge, always one request each under way.`,
        ...(load.failures.length === 0 ? [] : [`${inWords(load.failures)}.`]),
      ],
    }
  },
}

async function rollOut(
  place: Place,
  image: string,
  flags: readonly string[],
  load: Clients,
): Promise<Figures> {
  const startedMs = Date.now()
  const [requests, failed] = [load.requests, load.failures.length]
  await place.deploy(image, ...flags)
  const { latency } = load.since(startedMs)
  return {
    seconds: (Date.now() - startedMs) / 1000,
    requests: load.requests - requests,
    failed: load.failures.length - failed,
    p50: latency.percentileMs(50),
    p99: latency.percentileMs(99),
  }
}
