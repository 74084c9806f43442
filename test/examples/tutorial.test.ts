/**
 * docs/tutorial.md works as it says. Its commands are taken out of its text and run as they stand
 * there, on free ports and for a moment; what needs a cluster is in test/cluster/tutorial.ts.
 */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { suite, test } from "node:test"
import { CliProcess, eventually, freePorts, patientFlags, runCli } from "../support/cli.ts"
import { read } from "../support/repository.ts"
import { tutorialCommand, tutorialFolder } from "../support/tutorial.ts"

const node = ["--conditions=capstan-source"]

suite("the tutorial", { concurrency: 2 }, () => {
  test("dev serves its service, and load sends what its documentation says", async () => {
    using folder = tutorialFolder()
    const options = { cwd: folder.path, node }
    const args = [...tutorialCommand("dev"), ...freePorts, ...patientFlags()]
    await using dev = new CliProcess(args, options)
    const { url, managementUrl } = await dev.served()
    const [, , ...flags] = tutorialCommand("load", "http://127.0.0.1:8080")
    // As long as it takes for each of its ten users to have been answered, on whatever machine.
    const short = ["--headless", "--run-time", "1h", "--management", managementUrl]
    await using load = new CliProcess(["load", url, ...flags, ...short], options)
    await eventually(async () => {
      const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
      const answered = /^capstan_request_duration_seconds_count\{.*"factor".*\} (\d+)$/m.exec(
        metrics,
      )
      return Number(answered?.[1] ?? 0) >= 20 || undefined
    }, "answers")
    load.child.kill("SIGINT")
    await load.ended
    const { stdout, stderr } = load
    assert.match(stdout, /^POST \/factor +[1-9]/m, stderr)
    assert.match(stdout, /^No request failed\.$/m)
  })

  test("up serves it by replicas, and status says so", async () => {
    using folder = tutorialFolder()
    const options = { cwd: folder.path, node }
    // So seldom that what a start takes of a slow machine does not make it grow.
    const flags = [...freePorts, "--web-port", "0", "--sync-ms", "600000", ...patientFlags()]
    await using up = new CliProcess([...tutorialCommand("up"), ...flags], options)
    const { url, managementUrl } = await up.served()
    const { port } = new URL(managementUrl)
    const status = await runCli(["status", "--management-port", port], options)
    assert.equal(status.code, 0, status.stderr)
    assert.match(status.stdout, new RegExp(`^Prime factors 1\\.0\\.0 at ${url}`))
    assert.match(status.stdout, /^Replicas +1 of 1 ready, from 1 to \d+$/m)
  })

  test("image --eject writes the Dockerfile to look at", async () => {
    using folder = tutorialFolder()
    const args = tutorialCommand("image", "service.ts", "--eject")
    const { code, stderr } = await runCli(args, { cwd: folder.path, node })
    assert.equal(code, 0, stderr)
    assert.match(readFileSync(`${folder.path}/image/Dockerfile`, "utf8"), /^FROM .*node:26-slim$/m)
  })

  test("gke create --dry-run prints the step that is shown", async () => {
    const { code, stdout, stderr } = await runCli(tutorialCommand("gke", "create"))
    assert.equal(code, 0, stderr)
    const [, makesCluster = ""] = /(# 3\. [\s\S]*?)\n\n# 4\./.exec(stdout) ?? []
    assert.match(makesCluster, /gcloud container clusters create-auto/)
    assert.ok(read("docs/tutorial.md").includes(makesCluster), makesCluster)
  })
})
