/**
 * `npm run test:attack`: every attack, or those that are named, one after the other. Each says what it
 * has tried and what it has found; whatever was found makes it fail. What is up to chance is so by a
 * seed, which is printed and can be given back.
 */
import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import { patienceMs } from "../support/patience.ts"
import { type Attack, Trial } from "./attack.ts"
import { flooding } from "./floods.ts"
import { replicas } from "./replicas.ts"
import { responses } from "./responses.ts"
import { requests, smuggling } from "./smuggling.ts"
import { targets } from "./targets.ts"

const attacks: readonly Attack[] = [smuggling, requests, responses, replicas, targets, flooding]

const usage = `npm run test:attack runs all attacks, npm run test:attack -- NAME … those named.

  --seed N      makes the choices of an earlier run again
  --seconds N   how long those go on that could go on for ever (1 to 86400, default 10)
  --help        print this

${attacks.map(({ name, what }) => `${name.padEnd(12)} ${what}`).join("\n")}
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    seconds: { type: "string", default: "10" },
    help: { type: "boolean", default: false },
  },
})
if (values.help) {
  console.log(usage)
} else {
  const seed = whole("seed", values.seed ?? `${randomInt(2 ** 31)}`, 0, 2 ** 31 - 1)
  const seconds = whole("seconds", values.seconds, 1, 86_400)
  console.log(`seed ${seed}`)
  let found = 0
  for (const attack of chosen(positionals)) found += await made(attack, seed, seconds)
  process.exitCode = found === 0 ? 0 : 1
}

function chosen(names: readonly string[]): readonly Attack[] {
  if (names.length === 0) return attacks
  return names.map((name) => {
    const found = attacks.find((attack) => attack.name === name)
    if (found === undefined) {
      throw new Error(
        `There is no attack "${name}", only ${attacks.map((each) => each.name).join(", ")}.`,
      )
    }
    return found
  })
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new Error(`--${name} is ${text}; it must be a whole number from ${min} to ${max}.`)
}

/** @returns how much it has found. */
async function made(attack: Attack, seed: number, seconds: number): Promise<number> {
  const trial = new Trial(seed, attack.name, seconds)
  const startedAtMs = performance.now()
  await withinPatience(attack.run(trial)).catch((error: unknown) => {
    trial.found(error instanceof Error ? (error.stack ?? error.message) : String(error))
  })
  const { findings, notes, summary } = trial
  const result = findings.length === 0 ? "nothing found" : `${findings.length} FOUND`
  const tookS = ((performance.now() - startedAtMs) / 1000).toFixed(1)
  console.log(`${attack.name}: tried ${summary || "nothing"}; ${result} (${tookS} s)`)
  for (const note of notes) console.log(`  ${note}`)
  for (const finding of findings.slice(0, 20)) console.log(`  FOUND ${finding.slice(0, 2000)}`)
  if (findings.length > 20) console.log(`  and ${findings.length - 20} more`)
  return findings.length
}

/** An attack that does not end has found something. */
async function withinPatience(run: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error("It did not end.")), 2 * patienceMs())
  await Promise.race([run, promise]).finally(() => clearTimeout(timer))
}
