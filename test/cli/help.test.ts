import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import {
  environmentVariable,
  flag,
  type SettingName,
  settingsTable,
} from "../../src/service/settings.ts"
import { runCli } from "../support/cli.ts"

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string }

test("--version says which Capstan and which Node", async () => {
  const { code, stdout, stderr } = await runCli(["--version"])
  assert.equal(code, 0)
  assert.equal(stdout, `capstan ${version} (Node ${process.versions.node})\n`)
  assert.equal(stderr, "")
})

test("--help tells the story of the commands, on standard output, in 80 columns", async () => {
  const { code, stdout } = await runCli(["--help"])
  assert.equal(code, 0)
  for (const command of ["new NAME", "dev MODULE", "serve MODULE", "openapi MODULE"]) {
    assert.match(stdout, new RegExp(`^ {2}${command} +\\S`, "m"))
  }
  assert.match(stdout, /\$ capstan new my-api/)
  assert.ok(stdout.indexOf("new NAME") < stdout.indexOf("--version"), "commands come first")
  for (const line of stdout.split("\n")) assert.ok(line.length <= 81, line)
})

test("no command at all is answered with the help, as a mistake", async () => {
  const { code, stdout, stderr } = await runCli([])
  assert.equal(code, 2)
  assert.equal(stdout, "")
  assert.match(stderr, /serve MODULE/)
})

for (const command of ["serve", "dev"]) {
  test(`${command} --help has every setting, with its default and variable`, async () => {
    const { stdout } = await runCli([command, "--help"])
    for (const name of Object.keys(settingsTable) as SettingName[]) {
      const { default: value } = settingsTable[name]
      const shown = Array.isArray(value) ? "none" : value
      const line = new RegExp(
        `^  ${flag(name)} <\\S+> +${shown}, ${environmentVariable(name)}$`,
        "m",
      )
      assert.match(stdout, line)
    }
  })
}

test("there are colours when they are asked for, and none otherwise", async () => {
  const plain = await runCli(["serve", "--help"])
  const coloured = await runCli(["serve", "--help"], { env: { FORCE_COLOR: "1" } })
  const refused = await runCli(["serve", "--help"], { env: { NO_COLOR: "1" } })
  const colour = "\u001b["
  assert.ok(!plain.stdout.includes(colour))
  assert.ok(coloured.stdout.includes(colour))
  assert.equal(refused.stdout, plain.stdout)
})
