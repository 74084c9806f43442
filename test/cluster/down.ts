/** Whatever became of a deploy, down leaves nothing of it. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { CliProcess, runCli } from "../support/cli.ts"
import { TestNamespace } from "../support/cluster.ts"
import { root } from "../support/repository.ts"

const options = {
  node: ["--conditions=capstan-source"],
  env: { KUBECONFIG: process.env.KUBECONFIG },
}

function deployArgs(space: TestNamespace): readonly string[] {
  const module = `${root}examples/prime-factor/service.ts`
  // Nothing listens there: the image can't be pulled.
  const image = "127.0.0.1:9/no-such-image:1"
  return ["deploy", module, "--namespace", space.name, "--image", image]
}

async function leavesNothing(space: TestNamespace): Promise<void> {
  assert.notDeepEqual(await space.withOurLabel(), [], "there is something to remove")
  const down = await runCli(["down", "prime-factors", "--namespace", space.name], options)
  assert.deepEqual([down.code, down.stdout], [0, "nothing remains\n"], down.stderr)
  assert.deepEqual(await space.withOurLabel(), [])
}

test("a rollout that fails says why, and down leaves nothing of it", async () => {
  await using space = await TestNamespace.make()
  const { code, stdout, stderr } = await runCli(deployArgs(space), options)
  assert.deepEqual([code, stdout], [1, ""])
  assert.match(stderr, /capstan: The image 127\.0\.0\.1:9\/no-such-image:1 can't be pulled: .*\n/)
  assert.match(stderr, /Nothing serves now/)
  await leavesNothing(space)
})

test("down leaves nothing of a deploy that was interrupted", async () => {
  await using space = await TestNamespace.make()
  await using deploy = new CliProcess(deployArgs(space), options)
  await deploy.output(/Service prime-factors created/)
  deploy.child.kill("SIGKILL")
  await deploy.ended
  await leavesNothing(space)
})
