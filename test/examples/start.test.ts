/** `npm start`, the README's first command: the example runs, and says where everything is. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { test } from "node:test"
import { requestsPerS } from "../../scripts/first-minute.ts"
import { eventually, freePorts } from "../support/cli.ts"
import { root } from "../support/repository.ts"

test("npm start serves the example by replicas, with the page that puts load on it, and ends on Ctrl-C", async () => {
  // A group of its own, to be signalled whole, as a terminal does.
  const npm = spawn("npm", ["start", "--", ...freePorts, "--web-port", "0"], {
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
    const [, api = "", documentation = "", live = "", metrics = ""] = await eventually(
      () =>
        /served at (http:\S+), documentation at (http:\S+), live page at (http:\S+), metrics at (http:\S+)/.exec(
          printed,
        ) ?? undefined,
      "the line that says where it serves",
    )
    assert.equal((await fetch(`${api}/ping`)).status, 200)
    const page = await fetch(documentation)
    assert.equal(page.status, 200)
    assert.match(await page.text(), /swagger/i)
    assert.match(await (await fetch(metrics)).text(), /^# TYPE capstan_/m)
    const state = (await (await fetch(`${live}/state`)).json()) as {
      readonly front: string
      readonly form: { readonly target: string; readonly stages: string }
    }
    assert.equal(state.front, "target")
    assert.match(state.form.target, new RegExp(`^${api}/?$`))
    assert.match(state.form.stages, /^0:1\/s,15s:(\d+)\/s,45s:\1\/s,60s:1\/s$/)
  } finally {
    process.kill(-npm.pid!, "SIGINT")
    await ended
  }
  assert.match(printed, /drained/)
  assert.doesNotMatch(printed, /"outcome":"ok"/, "requests that went well are not what matters")
})

test("the load that npm start begins with takes as much of a slow machine as of a fast one", () => {
  const coresUsed = (slowestS: number, cores: number): number =>
    (requestsPerS(slowestS, cores) * slowestS) / 6
  for (const slowestS of [0.05, 0.1, 0.2, 0.5]) {
    for (const cores of [2, 4, 64]) {
      const used = coresUsed(slowestS, cores)
      assert.ok(used > 0.7 && used < 0.85, `${used} of ${cores}`)
    }
    const used = coresUsed(slowestS, 1)
    assert.ok(used > 0.3 && used < 0.45, `${used} of one core`)
  }
  assert.equal(requestsPerS(60, 1), 1)
})
