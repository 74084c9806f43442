import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { settingsDocument, settingsMarkdown } from "../../scripts/settings-doc.ts"
import { settingGroups } from "../../src/cli/setting-groups.ts"
import { settingsTable } from "../../src/service/settings.ts"

test("every setting stands under exactly one heading, in the order of the table", () => {
  const names = settingGroups().flatMap(({ settings }) => settings.map(({ name }) => name))
  assert.deepEqual(names, Object.keys(settingsTable))
})

test("docs/settings.md says what the table says", () => {
  assert.equal(
    readFileSync(settingsDocument, "utf8"),
    settingsMarkdown(),
    "write it anew: node scripts/settings-doc.ts",
  )
})
