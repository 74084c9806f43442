/**
 * How soon does the liveness probe answer while one client sends bodies that take long to parse or to
 * check, one after the other? Another process probes and does nothing else, each time on a new
 * connection; a probe's time counts from when it was meant to be sent.
 */
import { type Attack, attacks } from "./attacks.ts"
import { priorityNote } from "./generator/generate.ts"
import type { Plan } from "./generator/plan.ts"
import { probe, streamOf, underLoad } from "./measure.ts"
import { type Peer, pick, type RunningPeer } from "./peers/peers.ts"
import { type Bench, type Figures, measureRounds, median, type Rows } from "./report.ts"

const [capstan, fastify, fastapi] = pick("capstan", "fastify", "fastapi-1") as [Peer, Peer, Peer]
const contenders = [capstan, fastify, fastapi]
const probesPerSecond = 100
/** Until both generators are at it, with a body under way. */
const warmupMs = 1000
/** A server that stands still is waited for: how long it does is the figure. */
const patienceMs = 60_000
/** Of the time that others get: there are nine a round, and all is to take some two minutes. */
const share = 1 / 5
const roundsMax = 3

const titleOf = (peer: Peer, attack: Attack): string => `${peer.title}, ${attack.title}`

export const hostile: Bench = {
  name: "hostile",
  question: "How soon does the liveness probe answer while one client sends hostile bodies?",
  async run({ rounds, durationMs, spinIterations }) {
    for (const peer of contenders) await peer.prepare?.()
    const rows = withRatios(
      await measureRounds(
        Math.min(rounds, roundsMax),
        attacks.flatMap((attack) =>
          contenders.map((peer) => ({
            title: titleOf(peer, attack),
            async measure(round) {
              await using running = await peer.start({ spinIterations })
              const times = { warmupMs, durationMs: durationMs * share }
              return await measureAttack(peer.title, running, attack, round, times)
            },
          })),
        ),
      ),
    )
    return {
      columns: [
        { key: "p50", title: "probe p50, ms", digits: 1 },
        { key: "p99", title: "probe p99, ms", digits: 1 },
        { key: "max", title: "probe max, ms", digits: 1 },
        { key: "ratio", title: "p99 ÷ Capstan's", digits: 1 },
        { key: "failed", title: "failed", digits: 0 },
        { key: "bodies", title: "bodies answered/s", digits: 2 },
      ],
      rows,
      requirements: attacks.map((attack) => ({
        what: `${fastify.title}: p99 ÷ Capstan's, ${attack.title}`,
        is: median(rows, titleOf(fastify, attack), "ratio"),
        must: "at least",
        bound: 10,
      })),
      notes: [
        `Each for a fifth of the time said above, in ${roundsMax} rounds at most; ${probesPerSecond} probes a second. The probe is /livez of Capstan's management port, and a route /livez elsewhere.`,
        "All check the same: Zod under Capstan and Fastify (there by a validator compiler), Pydantic under FastAPI, whose patterns are Rust's and never backtrack. An answer other than the one that is due to a body would have failed the round.",
        priorityNote("probes"),
      ],
    }
  },
}

/** @throws {Error} when the server has answered something else than was due. */
export async function measureAttack(
  title: string,
  running: RunningPeer,
  { name, body, size, statuses }: Attack,
  round: number,
  times: Pick<Plan, "warmupMs" | "durationMs">,
): Promise<Figures> {
  const { origin, livez } = running
  const measured = await underLoad(running, {
    seed: round,
    ...times,
    streams: [
      {
        name: "hostile",
        origin,
        method: "POST",
        path: `/hostile/${name}`,
        bodies: [body(size)],
        arrivals: { kind: "closed", connections: 1 },
        timeoutMs: patienceMs,
      },
    ],
    watchers: [
      {
        ...probe("livez", livez.origin, livez.path, probesPerSecond, true),
        timeoutMs: patienceMs,
      },
    ],
  })
  const { outcomes, answeredPerSecond } = streamOf(measured, "hostile")
  const other = Object.keys(outcomes).filter((outcome) => !statuses.includes(outcome))
  if (other.length > 0) throw new Error(`${title} answered ${other} to ${name}.`)
  const { latencyMs, offered, outcomes: probed } = streamOf(measured, "livez")
  return {
    p50: latencyMs.p50,
    p99: latencyMs.p99,
    max: latencyMs.max,
    failed: offered - (probed["200"] ?? 0),
    bodies: answeredPerSecond,
  }
}

/** Each with its p99 ÷ Capstan's of the same body and round. */
function withRatios(rows: Rows): Rows {
  return new Map(
    attacks.flatMap((attack) => {
      const own = rows.get(titleOf(capstan, attack)) ?? []
      return contenders.map((peer) => {
        const figures = rows.get(titleOf(peer, attack)) ?? []
        const compared = figures.map((its, round): Figures => {
          const ratio = (its.p99 ?? Number.NaN) / (own[round]?.p99 ?? Number.NaN)
          return Number.isFinite(ratio) ? { ...its, ratio } : its
        })
        return [titleOf(peer, attack), compared] as const
      })
    }),
  )
}
