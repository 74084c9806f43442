/**
 * The oracle: a program beside this repository that links Kubernetes' own autoscaler and runs it on
 * simulated time. `HPA_ORACLE` says where it is.
 */
import { spawn } from "node:child_process"
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { pipeline } from "node:stream/promises"
import { oddControllerCase, oddFollowCase, oddReplicasCase } from "./odd-cases.ts"

/** Those that the oracle generates. */
const oracleKinds = ["replicas", "controller", "follow"] as const

/** Those that are generated here. */
const oddKinds = {
  oddReplicas: oddReplicasCase,
  oddController: oddControllerCase,
  oddFollow: oddFollowCase,
} as const

export type Kind = (typeof oracleKinds)[number] | keyof typeof oddKinds

export const kinds: readonly Kind[] = [
  ...oracleKinds,
  ...(Object.keys(oddKinds) as (keyof typeof oddKinds)[]),
]

export function isOdd(kind: Kind): kind is keyof typeof oddKinds {
  return kind in oddKinds
}

/** One metric at one moment, or a series of syncs. */
export function questionOf(kind: Kind): "replicas" | "controller" {
  return kind === "replicas" || kind === "oddReplicas" ? "replicas" : "controller"
}

/** Both as JSON, on one line each. */
export interface AnsweredCase {
  readonly asked: string
  readonly answer: string
}

export class Oracle {
  readonly #program: string

  constructor(program: string) {
    this.#program = program
  }

  /** Random cases with their answers. The same seed gives the same. */
  async *ask(kind: Kind, seed: number, count: number): AsyncGenerator<AnsweredCase, void> {
    const folder = mkdtempSync(join(tmpdir(), "capstan-oracle-"))
    const [cases, answers] = [join(folder, "cases"), join(folder, "answers")]
    try {
      await this.#generate(kind, seed, count, cases)
      await this.#run([questionOf(kind)], createReadStream(cases), answers)
      yield* zipLines(cases, answers)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  async #generate(kind: Kind, seed: number, count: number, toFile: string): Promise<void> {
    if (isOdd(kind)) {
      const makeCase = oddKinds[kind]
      return pipeline(
        Readable.from(lines(count, (i) => makeCase(seed, i))),
        createWriteStream(toFile),
      )
    }
    const args = ["generate", "-kind", kind, "-seed", `${seed}`, "-count", `${count}`]
    return this.#run(args, Readable.from([]), toFile)
  }

  async #run(args: readonly string[], input: Readable, toFile: string): Promise<void> {
    const child = spawn(this.#program, args)
    const [code, complaint] = await Promise.all([
      new Promise<number | null>((resolve, reject) => {
        child.once("error", reject).once("close", resolve)
      }),
      text(child.stderr),
      pipeline(child.stdout, createWriteStream(toFile)),
      pipeline(input, child.stdin).catch(() => undefined), // it ended early, and says why
    ])
    if (code !== 0) throw new Error(`${this.#program} ${args.join(" ")} failed: ${complaint}`)
  }
}

function* lines(count: number, make: (index: number) => object): Generator<string, void> {
  for (let i = 0; i < count; i++) yield `${JSON.stringify(make(i))}\n`
}

async function* zipLines(cases: string, answers: string): AsyncGenerator<AnsweredCase, void> {
  const [askedLines, answerLines] = [cases, answers].map((file) =>
    createInterface({ input: createReadStream(file) })[Symbol.asyncIterator](),
  )
  for (;;) {
    const [asked, answer] = await Promise.all([askedLines!.next(), answerLines!.next()])
    if (asked.done && answer.done) return
    if (asked.done || answer.done) throw new Error("The oracle did not answer every case.")
    yield { asked: asked.value, answer: answer.value }
  }
}
