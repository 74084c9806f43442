/**
 * A replica is killed hard under load, in two ways. SIGKILL to its process, from outside, as the
 * kernel does when memory runs out: no handler runs, no probe has failed yet, and the cluster goes on
 * sending there until it has noticed. And its pod deleted without any grace, as when a node is given
 * up. Which requests fail, of those that it had and of others, and how long until all replicas serve.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Api } from "../../src/kubernetes/cluster/api.ts"
import type { Pod } from "../../src/kubernetes/kinds.ts"
import type { Figures } from "../report.ts"
import type { ClusterBench } from "./bench.ts"
import { Clients, type Failed, inWords } from "./clients.ts"
import { deletePod, fullAgain, killProcess, podsOf } from "./hard-kill.ts"
import { drawn } from "./numbers.ts"
import { Place, size } from "./place.ts"
import { allReady } from "./watched.ts"

const replicas = 3
const clients = 50
const settleMs = 15_000
/** What fails later than this has nothing to do with it. */
const afterMs = 20_000

const ways = [
  { title: "SIGKILL to its process", kill: killProcess },
  { title: "its pod deleted, no grace", kill: deletePod },
] as const

export const killing: ClusterBench = {
  name: "kill",
  question: "What fails when a replica is killed hard under load, and for how long?",
  async run() {
    await using place = await Place.make()
    const { api, namespace } = place
    const fixed = ["--min-replicas", `${replicas}`, "--max-replicas", `${replicas}`]
    const url = await place.deploy(await place.image(), ...fixed, "--cpu-limit", size.cpu)
    await allReady(place, replicas)
    await using load = Clients.start({ url, clients, body: drawn })
    const killed = new Set<string>()
    const rows = new Map<string, Figures[]>(ways.map(({ title }) => [title, []]))
    const seen: Failed[] = []
    // One after the other of those that were there first: a second end of the same waits for longer.
    for (let i = 0; i < replicas - 1; i++) {
      for (const { title, kill } of ways) {
        await allReady(place, replicas)
        await sleep(settleMs)
        process.stderr.write(`  ${title}\n`)
        const pod = (await podsOf(api, namespace)).find(
          ({ metadata }) => !killed.has(metadata?.uid ?? ""),
        )
        if (pod === undefined) throw new Error("There is no replica left that was never killed.")
        killed.add(pod.metadata?.uid ?? "")
        const { figures, failures } = await measured(api, namespace, pod, kill, load)
        seen.push(...failures)
        rows.get(title)?.push(figures)
      }
    }
    await load.stop()
    const all = [...rows.values()].flat()
    const strangers = load.failures.filter((failed) => !seen.includes(failed))
    return {
      columns: [
        { key: "cut", title: "cut off in its midst", digits: 0 },
        { key: "refused", title: "refused a connection", digits: 0 },
        { key: "other", title: "failed otherwise", digits: 0 },
        { key: "lastS", title: "last of them after, s", digits: 1 },
        { key: "fullS", title: "all replicas ready after, s", digits: 1 },
        { key: "requests", title: "requests meanwhile", digits: 0 },
      ],
      rows,
      requirements: [
        ...ways.map(({ title }) => ({
          what: `${title}: failed though they had not reached that replica, at the worst`,
          is: Math.max(
            ...(rows.get(title) ?? []).map(({ refused = 0, other = 0 }) => refused + other),
          ),
          must: "at most" as const,
          bound: 0,
        })),
        {
          what: "all replicas ready after, at the worst, s",
          is: Math.max(...all.map(({ fullS = 0 }) => fullS)),
          must: "at most",
          bound: 15,
        },
        { what: "failed at any other time", is: strangers.length, must: "at most", bound: 0 },
      ],
      notes: [
        `${replicas} replicas of ${size.cpu}, limit and request; ${clients} clients as in the surge, so about ${Math.round(clients / replicas)} requests are with each replica at any time.`,
        `All failures: ${inWords(load.failures)}; of ${load.requests} requests.`,
      ],
    }
  },
}

async function measured(
  api: Api,
  namespace: string,
  pod: Pod,
  kill: (api: Api, namespace: string, pod: Pod) => Promise<void>,
  load: Clients,
): Promise<{ readonly figures: Figures; readonly failures: readonly Failed[] }> {
  const requests = load.requests
  const before = load.failures.length
  await kill(api, namespace, pod)
  const killedMs = Date.now()
  const fullS = await fullAgain(api, namespace, pod, killedMs, replicas)
  await sleep(Math.max(0, killedMs + afterMs - Date.now()))
  const failures = load.failures.slice(before)
  const of = (pattern: RegExp) => failures.filter(({ error }) => pattern.test(error)).length
  const [cut, refused] = [of(/before the answer was complete/), of(/refused/)]
  const lastMs = Math.max(killedMs, ...failures.map(({ endedMs }) => endedMs))
  return {
    figures: {
      cut,
      refused,
      other: failures.length - cut - refused,
      lastS: (lastMs - killedMs) / 1000,
      fullS,
      requests: load.requests - requests,
    },
    failures,
  }
}
