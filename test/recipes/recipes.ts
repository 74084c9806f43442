/** Each recipe of docs/recipes.md works as it stands there: when it is served, and in an image. */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { suite, test } from "node:test"
import { promisify } from "node:util"
import { deploymentTable } from "../../src/kubernetes/manifests/options.ts"
import { Bundled } from "../support/bundled.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { root } from "../support/repository.ts"
import { check, serving } from "./documented.ts"
import { inWorkspace, type Recipe, recipes, writeProject, writeWorkspace } from "./recipe.ts"

const node = ["--conditions=capstan-source"]
const deadline = ["--deadline-ms", `${Math.min(patienceMs(), 3_600_000)}`]

/** Calls the service, makes an image of it, and calls what is in that. */
async function tryRecipe({ calls }: Recipe, module: string, folder: string): Promise<void> {
  {
    await using server = serving(module, folder, [...deadline, "--workers", "2"])
    await check(calls, (await server.served()).url, folder)
    server.child.kill("SIGTERM")
    assert.deepEqual(await server.ended, { code: 0, signal: null }, server.stderr)
  }
  using image = new TemporaryFolder()
  const args = ["image", module, "--eject", image.path]
  const { code, stderr } = await runCli(args, { cwd: folder, node })
  assert.equal(code, 0, stderr)
  await using bundled = new Bundled(join(image.path, "app"))
  await check(calls, (await bundled.served()).url, folder)
}

suite("recipes", { concurrency: 2 }, () => {
  test("are as typed", async () => {
    using folder = new TemporaryFolder()
    writeProject(folder.path)
    await promisify(execFile)(`${root}node_modules/.bin/tsc`, ["-p", folder.path], { cwd: root })
  })

  test("find the memory that they take in a deployment's defaults", () => {
    const { default: usual } = deploymentTable.memory
    for (const { module, memory } of recipes) {
      const { oneWorkerMiB, furtherWorkerMiB } = memory ?? { oneWorkerMiB: 0, furtherWorkerMiB: 0 }
      assert.ok(
        oneWorkerMiB + furtherWorkerMiB < Number.parseInt(usual, 10),
        `${module} needs more`,
      )
    }
  })

  for (const recipe of recipes.filter(({ module }) => !inWorkspace(module))) {
    test(`${recipe.module} works as it stands there, served and in an image`, async () => {
      using folder = new TemporaryFolder()
      writeProject(folder.path)
      await tryRecipe(recipe, recipe.module, folder.path)
    })
  }

  const [workspace] = recipes.filter(({ module }) => inWorkspace(module))
  assert.ok(workspace !== undefined)
  for (const by of ["npm", "pnpm"] as const) {
    test(`a workspace of ${by} works as it stands there, served and in an image`, async () => {
      using folder = new TemporaryFolder()
      await tryRecipe(workspace, "service.ts", await writeWorkspace(folder.path, by))
    })
  }
})
