/**
 * `npm run check`: every `check:…` of package.json, at the same time, since each of them leaves a core
 * idle for most of its time. What one has to say is shown as a whole, once it is done.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"

async function passes(command: string): Promise<boolean> {
  const color = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}
  const child = spawn(command, { shell: true, env: { ...process.env, ...color } })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said += text
    })
  }
  const [code] = await once(child, "close")
  process.stdout.write(`${command}\n${said}`)
  return code === 0
}

const scripts: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
).scripts
const commands = Object.entries(scripts).flatMap(([name, command]) =>
  name.startsWith("check:") ? [command] : [],
)
const passed = await Promise.all(commands.map(passes))
if (passed.includes(false)) process.exitCode = 1
