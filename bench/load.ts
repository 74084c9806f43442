/** How many requests a second a core of the generator sends, plain and in a scenario of two steps. */
import {
  autocannon,
  capstanUsers,
  connections,
  locust,
  prepareLocust,
  prepareVegeta,
  startTarget,
  vegeta,
} from "./load/generators.ts"
import {
  type Bench,
  type Column,
  type Contender,
  type Figures,
  measureRounds,
  median,
  type Requirement,
  type Rows,
} from "./report.ts"

const columns: readonly Column[] = [
  { key: "perSecond", title: "requests/s", digits: 0 },
  { key: "perCore", title: "requests a second of CPU", digits: 0 },
  { key: "p99", title: "p99, ms", digits: 1 },
  { key: "failed", title: "failed", digits: 0 },
  { key: "cores", title: "generator, cores", digits: 2 },
]

const notes = [
  "A second of CPU is one of the generator's, its start included: requests/s can be bounded by the target, this can not.",
  "k6 is not measured: the bench installs nothing that is under the AGPL.",
]

export const load: Bench = {
  name: "load",
  question: `How many plain GETs does a core of the generator send, over ${connections} connections that are kept?`,
  async run({ rounds, durationMs }) {
    const seconds = durationMs / 1000
    await prepareLocust()
    const hasVegeta = await prepareVegeta()
    const rows = await measureRounds(rounds, [
      contender("Capstan", (origin) => capstanUsers("bench/load/home.ts", origin, seconds)),
      contender("autocannon", (origin) => autocannon(origin, seconds)),
      contender("Locust, FastHttpUser", (origin) => locust("Home", origin, seconds)),
      ...(hasVegeta ? [contender("vegeta", (origin) => vegeta(origin, seconds, 0))] : []),
    ])
    return {
      columns,
      rows,
      notes,
      requirements: [
        ratio(rows, "Capstan", "autocannon", 0.9),
        ratio(rows, "Capstan", "Locust, FastHttpUser", 4),
      ],
    }
  },
}

export const loadScenario: Bench = {
  name: "load-scenario",
  question: "The same for a scenario: log in with JSON, then ask with the token, and check.",
  async run({ rounds, durationMs }) {
    const seconds = durationMs / 1000
    const script = "bench/load/autocannon-steps.ts"
    await prepareLocust()
    const rows = await measureRounds(rounds, [
      contender("Capstan", (origin) => capstanUsers("bench/load/two-steps.ts", origin, seconds)),
      contender("autocannon, without checks", (origin) => autocannon(origin, seconds, { script })),
      contender("Locust, FastHttpUser", (origin) => locust("TwoSteps", origin, seconds)),
    ])
    return {
      columns,
      rows,
      notes,
      requirements: [ratio(rows, "Capstan", "Locust, FastHttpUser", 4)],
    }
  },
}

function contender(title: string, measure: (origin: string) => Promise<Figures>): Contender {
  return {
    title,
    async measure() {
      await using target = await startTarget()
      return await measure(target.origin)
    },
  }
}

function ratio(rows: Rows, title: string, other: string, bound: number): Requirement {
  return {
    what: `requests a second of CPU ÷ ${other}`,
    is: median(rows, title, "perCore") / median(rows, other, "perCore"),
    must: "at least",
    bound,
  }
}
