/**
 * Documents as a newcomer follows them: their services are started, and their calls sent to them.
 */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { type CliProcess, CliProcess as Command } from "../support/cli.ts"
import { commandsOf, type Fence, fences } from "../support/markdown.ts"
import { patienceMs } from "../support/patience.ts"

/** A block of `curl` commands, and what they have to print. */
export interface Call {
  readonly script: string
  /** Undefined where an answer is a file, or not worth showing. */
  readonly answer: unknown
}

/** The blocks of calls, in order. */
export function callsIn(blocks: readonly Fence[]): readonly Call[] {
  return blocks.flatMap(({ language, text }, index) => {
    const isCall = language === "sh" && commandsOf(text).every((line) => line.startsWith("curl "))
    if (!isCall) return []
    const next = blocks[index + 1]
    return [{ script: text, answer: next?.language === "json" ? JSON.parse(next.text) : undefined }]
  })
}

/** The blocks of calls of a document. */
export const callsOf = (markdown: string): readonly Call[] => callsIn(fences(markdown))

/** Sends calls to a service, from a folder with the files that they send. */
export async function check(calls: readonly Call[], url: string, cwd: string): Promise<void> {
  assert.ok(calls.length > 0)
  for (const { script, answer } of calls) {
    const printed = await send(script, url, cwd, answer === undefined)
    if (answer !== undefined)
      assert.deepEqual(rounded(JSON.parse(printed)), rounded(answer), script)
  }
}

/** Sends a block of calls, and gives what it printed. */
export async function send(
  script: string,
  url: string,
  cwd: string,
  mustSucceed: boolean,
): Promise<string> {
  const options = mustSucceed ? "-sS --fail-with-body" : "-sS"
  const lines = [
    "set -euo pipefail",
    `curl() { command curl ${options} --max-time ${patienceMs() / 1_000} "$@"; }`,
    script.replaceAll("http://127.0.0.1:8080", url),
  ]
  return (await promisify(execFile)("bash", ["-c", lines.join("\n")], { cwd })).stdout
}

/** Two digits are the same on every processor; the sixteenth is not. */
function rounded(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (_, value) =>
    typeof value === "number" ? Math.round(value * 100) / 100 : value,
  )
}

/** Starts `capstan serve` in the folder of a service. */
export function serving(module: string, cwd: string, flags: readonly string[] = []): CliProcess {
  const own = ["--port", "0", "--management-port", "0", "--worker-nice", "0", ...flags]
  return new Command(["serve", module, ...own], { cwd, node: ["--conditions=capstan-source"] })
}
