/** docs/threat-model.md names files that exist, and tests by the names that they have. */
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { test } from "node:test"
import { read, root } from "../support/repository.ts"

interface Held {
  readonly threat: string
  readonly files: readonly string[]
  readonly shownBy: readonly (readonly [file: string, test: string])[]
}

function held(markdown: string): readonly Held[] {
  const [, section = ""] = markdown.split("## What holds\n")
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("|"))
  return rows.slice(2).map((row) => {
    const [threat = "", , where = "", shown = ""] = row.slice(2).split(" | ")
    return {
      threat,
      files: Array.from(where.matchAll(/`([^`]+)`/g), ([, file = ""]) => file),
      shownBy: Array.from(
        shown.matchAll(/\[([^\]]+)\]\([^)]+\): "([^"]+)"/g),
        ([, file = "", name = ""]) => [file, name] as const,
      ),
    }
  })
}

/** What of a row is not so. */
function wrong(
  { threat, files, shownBy }: Held,
  exists: (file: string) => boolean,
  contents: (file: string) => string,
): readonly string[] {
  return [
    ...(files.length === 0 ? [`${threat}: no file holds it`] : []),
    ...(shownBy.length === 0 ? [`${threat}: no test shows it`] : []),
    ...files.filter((file) => !exists(file)).map((file) => `${threat}: no ${file}`),
    ...shownBy
      .filter(([file, name]) => !exists(file) || !contents(file).includes(name))
      .map(([file, name]) => `${threat}: no "${name}" in ${file}`),
  ]
}

const rows = held(read("docs/threat-model.md"))

test("each threat has a file that holds it and a test that shows it, and both are there", () => {
  assert.ok(rows.length > 20, `${rows.length} rows`)
  assert.deepEqual(
    rows.flatMap((row) => wrong(row, (file) => existsSync(root + file), read)),
    [],
  )
})

test("this guard fires", () => {
  const check = (where: string, shown: string, expected: readonly string[]) => {
    const page = `## What holds\n\n| a | b | c | d |\n| - | - | - | - |\n| Thieves | locks | ${where} | ${shown} |\n\n## More`
    assert.deepEqual(
      held(page).flatMap((row) =>
        wrong(
          row,
          (file) => file !== "c.ts",
          () => 'test("it holds")',
        ),
      ),
      expected,
    )
  }
  check("`a.ts`", '[b.ts](../b.ts): "it holds"', [])
  check("", "", ["Thieves: no file holds it", "Thieves: no test shows it"])
  check("`c.ts`", '[b.ts](../b.ts): "it held"', [
    "Thieves: no c.ts",
    'Thieves: no "it held" in b.ts',
  ])
})
