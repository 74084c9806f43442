/**
 * Each recipe of docs/recipes.md, and the example with a model, on a cluster: as an image that the
 * cluster pulls, with the memory that the document says, it answers as it stands there, is not ended
 * for want of memory, and leaves nothing.
 *
 * `npm run test:recipes:cluster`, with the kubeconfig's current context and a registry, as for
 * `npm run test:cluster`: docs/kubernetes.md
 */
import assert from "node:assert/strict"
import { suite, type TestContext, test } from "node:test"
import { collection } from "../../src/kubernetes/cluster/resources.ts"
import type { Pod } from "../../src/kubernetes/kinds.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { TestNamespace, testRegistry } from "../support/cluster.ts"
import { patientMs } from "../support/patience.ts"
import { read, root } from "../support/repository.ts"
import { type Call, callsOf, check } from "./documented.ts"
import { inWorkspace, type Recipe, recipes, writeProject, writeWorkspace } from "./recipe.ts"

const builder = process.env.TEST_BUILDER
/** The first has the worker load what it has not by then, and starts the spare one. */
const rounds = 3

/** A deployment's defaults give it one worker, and a spare one. */
function memoryFlags({ memory }: Recipe): readonly string[] {
  if (memory === undefined) return []
  return ["--memory", `${memory.oneWorkerMiB + memory.furtherWorkerMiB}Mi`]
}

/** From its folder to the cluster and back. */
async function tryOn(
  t: TestContext,
  module: string,
  folder: string,
  calls: readonly Call[],
  flags: readonly string[],
): Promise<void> {
  await using space = await TestNamespace.make()
  const startedAtMs = performance.now()
  const since = (): string => `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`
  const options = {
    cwd: folder,
    node: ["--conditions=capstan-source"],
    env: { KUBECONFIG: process.env.KUBECONFIG },
    timeoutMs: patientMs(600_000),
  }
  const place = ["--namespace", space.name]
  const image = ["--tag", `${testRegistry()}/${space.name}/recipe:1`]
  const built = [...image, ...(builder === undefined ? [] : ["--builder", builder])]
  const size = ["--min-replicas", "1", "--max-replicas", "1", ...flags]
  const reached = ["--expose", "NodePort"]
  const deploy = await runCli(["deploy", module, ...place, ...built, ...size, ...reached], options)
  assert.equal(deploy.code, 0, deploy.stderr)
  t.diagnostic(`${module} serves after ${since()}`)
  for (let round = 0; round < rounds; round++) await check(calls, deploy.stdout.trim(), folder)
  const pods = await space.api.list<Pod>(collection("v1", "pods", space.name))
  const states = pods.flatMap(({ status }) => status?.containerStatuses ?? [])
  const restarts = states.map(({ restartCount }) => restartCount)
  assert.deepEqual(restarts, [0], JSON.stringify(states))
  const down = await runCli(["down", module, ...place], options)
  assert.deepEqual([down.code, down.stdout], [0, "nothing remains\n"], down.stderr)
  assert.deepEqual(await space.withOurLabel(), [])
  t.diagnostic(`${module} is gone after ${since()}`)
}

suite("recipes on a cluster", () => {
  test("examples/inference works as its README says", async (t) => {
    const calls = callsOf(read("examples/inference/README.md"))
    await tryOn(t, "service.ts", `${root}examples/inference`, calls, [])
  })

  for (const recipe of recipes) {
    test(`${recipe.module} works as it stands there`, async (t) => {
      using folder = new TemporaryFolder()
      const { calls, module } = recipe
      if (inWorkspace(module)) {
        const api = await writeWorkspace(folder.path, "npm")
        await tryOn(t, "service.ts", api, calls, memoryFlags(recipe))
        return
      }
      writeProject(folder.path)
      await tryOn(t, module, folder.path, calls, memoryFlags(recipe))
    })
  }
})
