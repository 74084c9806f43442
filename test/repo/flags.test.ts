/** Commands stand in the documentation as the command line takes them: with flags that there are. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { type Command, CommanderError } from "commander"
import { program } from "../../src/cli/program.ts"
import { documents } from "../support/documents.ts"
import { commands, commandsOf, fences } from "../support/markdown.ts"
import { read } from "../support/repository.ts"

/** The command line, which reads and does nothing. */
function reader(): Command {
  const silence = (command: Command): void => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
    if (command.commands.length === 0) command.action(() => {})
    for (const each of command.commands) silence(each)
  }
  const root = program({ exitCode: 0 })
  silence(root)
  return root
}

/** What it is complained of; undefined when it is taken. */
async function complaint(args: readonly string[]): Promise<CommanderError | undefined> {
  try {
    await reader().parseAsync([...args], { from: "user" })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode !== 0) return error
    if (error instanceof CommanderError) return undefined
    throw error
  }
}

/** Of a command that runs ours, the arguments, without what is the shell's. */
function argsOf(command: string): readonly string[] | undefined {
  const [, line] = /^(?:npx |npm run -s )?capstan (?:-- )?(.*)$/.exec(command) ?? []
  const [own = ""] = line?.split(/ (?:\||&&|>|&)(?: |$)/) ?? []
  const words = Array.from(own.matchAll(/"[^"]*"|'[^']*'|\S+/g), ([word]) => word)
  // Three dots stand for whatever else one would say.
  const said = words.map((word) => word.replaceAll(/["']/g, "")).filter((word) => word !== "…")
  return line === undefined || said.length === 0 ? undefined : said
}

test("the documentation's commands are taken as they stand there", async () => {
  let taken = 0
  const refused: string[] = []
  for (const document of documents) {
    const markdown = read(document)
    const whole = new Set(
      fences(markdown)
        .filter(({ language }) => language === "sh")
        .flatMap(({ text }) => commandsOf(text)),
    )
    for (const command of commands(markdown)) {
      const args = argsOf(command)
      if (args === undefined) continue
      const wrong = await complaint(args)
      // Within a sentence, what it is about may be left out.
      const isFragment = !whole.has(command) && /missing|help$/i.test(wrong?.code ?? "")
      if (wrong !== undefined && !isFragment)
        refused.push(`${document}: ${command}: ${wrong.message}`)
      taken += 1
    }
  }
  assert.deepEqual(refused, [])
  assert.ok(taken > 40, `${taken} commands`)
})

test("this guard fires", async () => {
  assert.match(
    (await complaint(["deploy", "a.ts", "--replicas", "3"]))?.message ?? "",
    /--replicas/,
  )
  assert.match((await complaint(["gke", "create", "--location", "x"]))?.message ?? "", /cluster/)
  assert.match((await complaint(["undeploy"]))?.message ?? "", /undeploy/)
})
