/** What the benches' command lines have in common: benches by name, and what is wrong said on one line. */
import type { Bench } from "./report.ts"

type Named = Pick<Bench, "name" | "question">

/** A line for each. */
function list(benches: readonly Named[]): string {
  const width = Math.max(...benches.map(({ name }) => name.length)) + 2
  return benches.map(({ name, question }) => `  ${name.padEnd(width)}${question}\n`).join("")
}

/** Why these can't all be run; undefined when they can. */
function unknownAmong(names: readonly string[], benches: readonly Named[]): string | undefined {
  const unknown = names.find((name) => !benches.some((bench) => bench.name === name))
  if (unknown === undefined) return undefined
  return `There is no bench "${unknown}"; there are ${benches.map(({ name }) => name).join(", ")}.`
}

/** Those named, or all of them. */
export function chosen<B extends Named>(
  names: readonly string[],
  benches: readonly B[],
): readonly B[] {
  return names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name))
}

/**
 * What was typed, or the exit code when nothing is to be run: help was asked for and printed, or
 * something is wrong with it and was said.
 */
export function readCommandLine<
  P extends {
    readonly values: { readonly help: boolean }
    readonly positionals: readonly string[]
  },
>(parse: () => P, usage: string, benches: readonly Named[]): P | number {
  let parsed: P
  try {
    parsed = parse()
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error))
  }
  if (parsed.values.help) {
    process.stdout.write(`${usage}\n${list(benches)}`)
    return 0
  }
  const unknown = unknownAmong(parsed.positionals, benches)
  return unknown === undefined ? parsed : complain(unknown)
}

/** @returns the exit code for a command line that is wrong. */
export function complain(message: string): number {
  process.stderr.write(`${message}\n`)
  return 2
}
