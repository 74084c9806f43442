/** What benches found, kept as JSON in `bench/results/`, one file each. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./harness.ts"
import { type Bench, type Outcome, toJson } from "./report.ts"

export function resultPath(name: string): string {
  return join(root, "bench/results", `${name}.json`)
}

export function keep(
  bench: Pick<Bench, "name" | "question">,
  options: object,
  outcome: Outcome,
): void {
  const path = resultPath(bench.name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, toJson(bench, options, outcome))
}
