/**
 * docs/tutorial.md works as it says. Its commands are taken out of its text and run as they stand
 * there, on free ports and for a second; what needs a cluster is in test/cluster/tutorial.ts.
 */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { suite, test } from "node:test"
import { CliProcess, freePorts, runCli } from "../support/cli.ts"
import { read } from "../support/repository.ts"
import { tutorialCommand, tutorialFolder } from "../support/tutorial.ts"

const node = ["--conditions=capstan-source"]

suite("the tutorial", { concurrency: 2 }, () => {
  test("dev serves its service, and load sends what its documentation says", async () => {
    using folder = tutorialFolder()
    const options = { cwd: folder.path, node }
    // Workers that are nice answer nothing in time while others want all of this machine.
    const env = { CAPSTAN_WORKER_NICE: "0" }
    await using dev = new CliProcess([...tutorialCommand("dev"), ...freePorts], { ...options, env })
    const { url, managementUrl } = await dev.served()
    const [, , ...flags] = tutorialCommand("load", "http://127.0.0.1:8080")
    const short = ["--headless", "--run-time", "1s", "--management", managementUrl]
    const { stdout, stderr } = await runCli(["load", url, ...flags, ...short], options)
    assert.match(stdout, /^POST \/factor +[1-9]/m, stderr)
    assert.match(stdout, /^No request failed\.$/m)
  })

  test("up serves it by replicas, and status says so", async () => {
    using folder = tutorialFolder()
    const options = { cwd: folder.path, node }
    const ports = [...freePorts, "--web-port", "0"]
    await using up = new CliProcess([...tutorialCommand("up"), ...ports], options)
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
