/**
 * What docs/tutorial.md does on a cluster, by its own commands: 250 users come, the service grows,
 * no request is lost, and in the end nothing is left.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { CliProcess, runCli } from "../support/cli.ts"
import { TestNamespace, testRegistry } from "../support/cluster.ts"
import { patientMs } from "../support/patience.ts"
import { tutorialCommand, tutorialFolder, withValues } from "../support/tutorial.ts"

const builder = process.env.TEST_BUILDER

test("the tutorial's 250 users make its service grow, and none is lost", async (t) => {
  await using space = await TestNamespace.make()
  using folder = tutorialFolder()
  const options = {
    cwd: folder.path,
    node: ["--conditions=capstan-source"],
    env: { KUBECONFIG: process.env.KUBECONFIG },
    timeoutMs: patientMs(600_000),
  }
  const place = ["--namespace", space.name]
  const tag = ["--tag", `${testRegistry()}/${space.name}/prime-factors:1`]
  const built = [...tag, ...(builder === undefined ? [] : ["--builder", builder])]

  const image = await runCli([...tutorialCommand("image", "service.ts"), ...built], options)
  assert.match(image.stdout, /^sha256:[0-9a-f]{64}$/m, image.stderr)
  const deploy = await runCli([...tutorialCommand("deploy"), ...place, ...built], options)
  assert.equal(deploy.code, 0, deploy.stderr)

  await using watch = new CliProcess([...tutorialCommand("watch"), ...place], options)
  const users = withValues(tutorialCommand("load", "users.ts"), {
    "--host": deploy.stdout.trim(),
    "--deployment": `${space.name}/prime-factors`,
    "--run-time": "60s",
  })
  const load = await runCli([...users, "--headless"], options)
  t.diagnostic(load.stdout)
  // Where others have the CPU, some may come too late; none is lost.
  const failures = load.stdout.matchAll(/^ +\d+ {2}POST \/factor {2}(.+)$/gm)
  for (const [, failure] of failures) assert.match(failure ?? "", /^50[34] /)
  await watch.output(/^\S+ {2}[2-9] → ([3-9]|10): cpu at \d+ %/m)

  const down = await runCli([...tutorialCommand("down"), ...place], options)
  assert.deepEqual([down.code, down.stdout], [0, "nothing remains\n"], down.stderr)
})
