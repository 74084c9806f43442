/** What a call prints, as whoever runs the service sees it. */
import assert from "node:assert/strict"
import { test } from "node:test"
import {
  CliProcess,
  eventually,
  freePorts,
  index,
  patientFlags,
  TemporaryFolder,
} from "../support/cli.ts"

const source = (isolation: string) => `import { operation, service } from ${JSON.stringify(index)}
import { existsSync } from "node:fs"
console.log("the module is loaded")
export default service({
  title: "Printing", version: "1.0.0",
  operations: {
    loop: operation({
      method: "GET", path: "/loop", ownWorkers: { isolation: ${JSON.stringify(isolation)} },
      run() {
        console.log("first %d", 1, { a: 1 })
        console.error(new Error("second"))
        process.stdout.write("third")
        console.table([{ a: "fourth" }])
        // It never yields.
        while (!existsSync("release"));
      },
    }),
    flood: operation({
      method: "GET", path: "/flood", ownWorkers: { isolation: ${JSON.stringify(isolation)} },
      run() { for (let n = 1; n <= 1000; n++) console.log("flood " + n) },
    }),
  },
})
`

for (const isolation of ["thread", "process"]) {
  test(`what a loop prints in a ${isolation} is in the log while it computes, under its request`, async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", source(isolation))
    await using cli = new CliProcess(
      ["serve", "service.mjs", ...freePorts, ...patientFlags(), "--log-format", "json"],
      { cwd: folder.path },
    )
    const { url } = await cli.served()
    const answer = fetch(`${url}/loop`, { headers: { "x-request-id": "loop-1" } })
    const lines = await eventually(() => {
      const found = linesOf(cli.stdout, "loop-1")
      return found.length >= 4 ? found : undefined
    }, "four lines")
    assert.deepEqual(
      lines.slice(0, 3).map(({ level, operation, msg }) => [level, operation, msg.split("\n")[0]]),
      [
        ["info", "loop", "first 1 { a: 1 }"],
        ["warn", "loop", "Error: second"],
        ["info", "loop", "third"],
      ],
    )
    assert.match(lines[3]?.msg ?? "", /fourth/)
    folder.write("release", "")
    assert.equal((await answer).status, 204)
    // What is printed for no call is left as it is.
    assert.match(cli.stdout, /^the module is loaded$/m)

    // None is lost, and their order is kept.
    await fetch(`${url}/flood`, { headers: { "x-request-id": "flood-1" } })
    const flood = await eventually(() => {
      const found = linesOf(cli.stdout, "flood-1").filter(({ msg }) => msg.startsWith("flood "))
      return found.length >= 1000 ? found : undefined
    }, "all lines")
    assert.deepEqual(
      flood.map(({ msg }) => msg),
      Array.from({ length: 1000 }, (_, n) => `flood ${n + 1}`),
    )
  })
}

interface Line {
  readonly level: string
  readonly operation: string
  readonly requestId: string
  readonly msg: string
}

function linesOf(stdout: string, requestId: string): readonly Line[] {
  return stdout
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.requestId === requestId)
}
