/** `npm start`, the README's first command: the example runs, and says where everything is. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { test } from "node:test"
import { eventually, freePorts } from "../support/cli.ts"
import { root } from "../support/repository.ts"

test("npm start serves the example, prints where everything is, and ends on Ctrl-C", async () => {
  // A group of its own, to be signalled whole, as a terminal does.
  const npm = spawn("npm", ["start", "--", ...freePorts], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  })
  const ended = once(npm, "close")
  let printed = ""
  npm.stdout.on("data", (chunk) => {
    printed += chunk
  })
  try {
    const [, api = "", documentation = "", metrics = ""] = await eventually(
      () =>
        /served at (http:\S+), documentation at (http:\S+), metrics at (http:[^\s"]+)/.exec(
          printed,
        ) ?? undefined,
      "the line that says where it serves",
    )
    assert.equal((await fetch(`${api}/ping`)).status, 200)
    const page = await fetch(documentation)
    assert.equal(page.status, 200)
    assert.match(await page.text(), /swagger/i)
    assert.match(await (await fetch(metrics)).text(), /^# TYPE capstan_/m)
  } finally {
    process.kill(-npm.pid!, "SIGINT")
    await ended
  }
  assert.match(printed, /drained/)
})
