/**
 * What `npm start` asks of `capstan up`, its pictures as well: five times the usual pace, and a load in
 * the live page's form that takes about five of the example's replicas, on a fast machine and on a
 * slow one. Said in requests a second it would not be
 * the same load: the same calls keep one machine's cores busy and are nothing to another's.
 */
import { fileURLToPath } from "node:url"
import { largestPrimeFactor } from "../examples/prime-factor/factor.ts"
import { availableCores } from "../src/service/cpu.ts"

const example = fileURLToPath(new URL("../examples/prime-factor/service.ts", import.meta.url))

/** A prime that takes a tenth as long as the one of the example's slow request. */
const tenthOfSlowest = 90_071_992_547_443
/** Every second request is a ping, and of the others every third is the slow one. */
const slowShare = 1 / 6
/** Of the time that the requests take, what the slow ones do not. */
const restShare = 0.05
/** Five replicas of a quarter of a core, most of them at their target of 70 %. */
const coresWanted = 0.8
/** The rest is for the browser, the load itself, and replicas that are starting. */
const machineShare = 0.4

export function firstMinute(): readonly string[] {
  const perS = requestsPerS(slowestS(), availableCores())
  const stages = `0:1/s,15s:${perS}/s,45s:${perS}/s,60s:1/s`
  return ["up", example, "--cpu", "250m", "--sync-ms", "3000", "--stages", stages]
}

/** How many requests a second a machine is given, where the slowest of them takes so long there. */
export function requestsPerS(slowestS: number, cores: number): number {
  const wanted = Math.min(coresWanted, machineShare * cores)
  const meanS = (slowestS * slowShare) / (1 - restShare)
  return Math.max(1, Math.round(wanted / meanS))
}

/** The best of three: what else goes on can only make it longer. */
function slowestS(): number {
  const tookMs = [1, 2, 3].map(() => {
    const startedAtMs = performance.now()
    largestPrimeFactor(tenthOfSlowest)
    return performance.now() - startedAtMs
  })
  return (Math.min(...tookMs) * 10) / 1000
}
