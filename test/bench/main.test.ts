/** The benches' command lines, and that docs/benchmarks.md has a place for each of them. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"
import { read, root } from "../support/repository.ts"

interface Ran {
  readonly status: number | null
  readonly output: string
}

const bench = (...args: string[]): Ran => run("bench/main.ts", args)

function run(program: string, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: "utf8",
  })
  return { status, output: stdout + stderr }
}

test("every bench has its place in docs/benchmarks.md, and no other has", () => {
  const names = ["bench/main.ts", "bench/cluster/main.ts"].flatMap((program) => {
    const { status, output } = run(program, ["--help"])
    assert.equal(status, 0, output)
    return Array.from(output.matchAll(/^ {2}(\w[\w-]*) +[A-Z].*$/gm), ([, name]) => name)
  })
  assert.ok(names.includes("overload") && names.includes("surge"), `${names}`)
  const page = read("docs/benchmarks.md")
  const places = Array.from(
    page.matchAll(/^<!-- ([\w-]+) -->$[\s\S]*?^<!-- end of \1 -->$/gm),
    ([, name]) => name,
  )
  assert.deepEqual(places.toSorted(), names.toSorted())
})

test("a bench that does not exist, and a number out of range, are refused before anything runs", () => {
  for (const [args, message] of [
    [["overlaod"], /no bench "overlaod"; there are .*overload/],
    [["pool", "--rounds", "0"], /--rounds is 0; .*1 to 100/],
    [["pool", "--seconds", "ten"], /--seconds is ten; .*1 to 600/],
    [["--round", "3"], /--round/],
  ] as const) {
    const { status, output } = bench(...args)
    assert.equal(status, 2, output)
    assert.match(output, message)
  }
})
