/**
 * From one replica to as many as the load needs and back to one, by the autoscaler, while clients go
 * on: whether any request fails, and whether the new replicas get their share. Clients keep their
 * connections and wait between requests, so a replica gets what the connections bring that it has:
 * were all replicas always busy, each would answer as much as the others by that alone.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Api } from "../../src/kubernetes/cluster/api.ts"
import { scaleDownSooner } from "../../test/support/scale-down.ts"
import {
  agreementColumns,
  agreementFigures,
  allExplained,
  differencesInWords,
} from "./agreement.ts"
import type { ClusterBench } from "./bench.ts"
import { Clients, inWords } from "./clients.ts"
import { heavy } from "./numbers.ts"
import { Place, service, size } from "./place.ts"
import { requestsByPod } from "./pod-requests.ts"
import { busiest, isFull, Watched } from "./watched.ts"

/** Those who come and go, and those who stay. */
const clients = 50
const others = 5
const paceMs = 1000
const settledMs = 60_000
const countedMs = 60_000
const grownMsMax = 300_000
const shrunkMsMax = 300_000

export const spread: ClusterBench = {
  name: "spread",
  question: "From 1 replica to as many as it takes and back: who is lost, and who gets how much?",
  async run() {
    await using place = await Place.make()
    const { api, namespace } = place
    const url = await place.deploy(
      await place.image(),
      ...["--min-replicas", "1", "--cpu-limit", size.cpu],
    )
    await scaleDownSooner(api, namespace, service.name)
    await using watched = await Watched.begin(api, { namespace, name: service.name })
    const number = heavy()
    const calls = { url, body: () => number, wait: { everyMs: paceMs } }
    await using stay = Clients.start({ ...calls, clients: others })
    await using come = Clients.start({ ...calls, clients })

    process.stderr.write("  it grows\n")
    const replicas = await grown(watched)
    process.stderr.write(
      `  ${replicas} replicas for ${settledMs / 1000} s; what they answer is counted\n`,
    )
    const counted = await countedRequests(watched, api, namespace)
    const { latency } = come.since(Date.now() - countedMs)
    await come.stop()
    process.stderr.write("  it shrinks\n")
    const shrinksMs = Date.now()
    await watched.until("one replica", shrunkMsMax, (state) => isGone(state))
    const shrunkS = (Date.now() - shrinksMs) / 1000
    await stay.stop()

    const failures = [...come.failures, ...stay.failures]
    const requests = come.requests + stay.requests
    const share = busiest(counted)
    return {
      columns: [
        { key: "replicas", title: "replicas", digits: 0 },
        { key: "busiest", title: "busiest ÷ mean, requests", digits: 2 },
        { key: "least", title: "least busy ÷ mean", digits: 2 },
        { key: "p95", title: "p95 then, ms", digits: 0 },
        { key: "requests", title: "requests, all in all", digits: 0 },
        { key: "failed", title: "failed", digits: 0 },
        { key: "shrunkS", title: "back to one after, s", digits: 0 },
        ...agreementColumns,
      ],
      rows: new Map([
        [
          `1 → ${replicas} → 1`,
          [
            {
              replicas,
              busiest: share,
              least: leastBusy(counted),
              p95: latency.percentileMs(95),
              requests,
              failed: failures.length,
              shrunkS,
              ...agreementFigures(watched.syncs),
            },
          ],
        ],
      ]),
      requirements: [
        { what: "failed", is: failures.length, must: "at most", bound: 0 },
        {
          what: "busiest replica ÷ mean, a minute after the last one came",
          is: share,
          must: "at most",
          bound: 1.3,
        },
        allExplained(watched.syncs),
      ],
      notes: [
        `${clients} clients that send once a second and ${others} that stay when those have gone, each on a connection that it keeps until the server ends it, the surge's requests of ten times the work. Replicas of ${size.cpu}, limit and request, at the default target of 70 %. Requests are those of ${countedMs / 1000} s, as each replica's own metrics count them: ${counted.join(", ")}.`,
        "Scaling down waits for 30 s here instead of five minutes, and goes by any number at a time.",
        ...(failures.length === 0 ? [] : [`${inWords(failures)}.`]),
        ...differencesInWords("the run", watched.syncs),
      ],
    }
  },
}

/** Resolves to how many there are once none has come for a minute. */
async function grown(watched: Watched): Promise<number> {
  let most = 1
  let sinceMs = Date.now()
  await watched.until("replicas that stay as many", grownMsMax, (state) => {
    const { replicas } = state
    if (replicas.wanted !== most) {
      most = replicas.wanted
      sinceMs = Date.now()
    }
    if (!isFull(state, most)) sinceMs = Date.now()
    return most > 1 && Date.now() - sinceMs > settledMs
  })
  return most
}

/** By replica, in a minute. */
async function countedRequests(
  watched: Watched,
  api: Api,
  namespace: string,
): Promise<readonly number[]> {
  const pods = watched.state.pods.filter(({ phase }) => phase === "ready").map(({ name }) => name)
  const before = await requestsByPod(api, namespace, pods)
  await sleep(countedMs)
  const after = await requestsByPod(api, namespace, pods)
  return pods.map((pod) => {
    const [from, to] = [before.get(pod), after.get(pod)]
    if (from === undefined || to === undefined) throw new Error(`${pod} tells no requests.`)
    return to - from
  })
}

function leastBusy(counted: readonly number[]): number {
  const mean = counted.reduce((sum, count) => sum + count, 0) / counted.length
  return Math.min(...counted) / mean
}

/** One is left, and the others have ended, with what they still had. */
function isGone({ replicas, pods }: Watched["state"]): boolean {
  return replicas.wanted === 1 && pods.length === 1
}
