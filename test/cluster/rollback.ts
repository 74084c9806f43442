/**
 * A version that does not come up harms nobody: the one before goes on serving, and a rollback takes
 * the new one away. Meanwhile the service is reached through the API server alone.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { CliProcess, runCli } from "../support/cli.ts"
import { TestNamespace, testRegistry } from "../support/cluster.ts"
import { root } from "../support/repository.ts"

const module = `${root}examples/prime-factor/service.ts`
const options = {
  node: ["--conditions=capstan-source"],
  env: { KUBECONFIG: process.env.KUBECONFIG },
}

async function hello(url: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/hello`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"n": 600851475143}',
  })
  await answer.arrayBuffer()
  return answer.status
}

test("a version that fails leaves the one before serving, and rollback takes it away", async () => {
  await using space = await TestNamespace.make()
  const size = ["--min-replicas", "1", "--cpu", "100m", "--memory", "192Mi"]
  const place = ["--namespace", space.name]
  const builder = process.env.TEST_BUILDER
  // Built, pushed and deployed in one.
  const tag = ["--tag", `${testRegistry()}/${space.name}/prime-factors:1`]
  const builders = builder === undefined ? [] : ["--builder", builder]
  const first = await runCli(["deploy", module, ...place, ...size, ...tag, ...builders], options)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stderr, /inside the cluster it is http:\/\/prime-factors\./)

  await using open = new CliProcess(["open", "prime-factors", ...place, "--port", "0"], options)
  const [, url = ""] = await open.output(/^(http:\S+)$/m)
  assert.equal(await hello(url), 200)

  const missing = `${testRegistry()}/${space.name}/no-such-image:1`
  const early = await runCli(["deploy", module, ...place, ...size, "--image", missing], options)
  assert.equal(early.code, 1)
  assert.match(early.stderr, /There is no image .*no-such-image:1 in its registry/)
  const greedy = ["--image", missing, "--anyway"]
  const second = await runCli(["deploy", module, ...place, ...size, ...greedy], options)
  assert.equal(second.code, 1)
  assert.match(second.stderr, /can't be pulled/)
  assert.match(second.stderr, /The version before goes on serving, by 1 replica\. .*--rollback/)
  assert.equal(await hello(url), 200)

  const back = await runCli(["deploy", "prime-factors", "--rollback", ...place], options)
  assert.equal(back.code, 0, back.stderr)
  assert.match(back.stderr, /from revision 2 back to 1: its image \S+@sha256:/)
  assert.equal(await hello(url), 200)

  // What was rolled back belongs to Capstan as before: nobody is asked to take anything over.
  const image = /its image (\S+?),/.exec(back.stderr)?.[1] ?? ""
  const again = await runCli(["deploy", module, ...place, ...size, "--image", image], options)
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stderr, /Deployment prime-factors unchanged/)

  const down = await runCli(["down", "prime-factors", ...place], options)
  assert.deepEqual([down.code, down.stdout], [0, "nothing remains\n"], down.stderr)
})

test("more than the nodes have is refused before anything is changed", async () => {
  await using space = await TestNamespace.make()
  const image = "127.0.0.1:9/no-such-image:1"
  const args = ["deploy", module, "--namespace", space.name, "--image", image, "--cpu", "900"]
  const { code, stderr } = await runCli(args, options)
  assert.equal(code, 1)
  assert.match(stderr, /room for 0 of at least 2 replicas: .* free are \d+m and [\d.]+Gi on /)
  assert.deepEqual(await space.withOurLabel(), [])
})
