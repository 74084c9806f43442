/**
 * Our own decision beside the cluster's autoscaler, sync by sync, from what the API shows, while a
 * load makes a service grow to its most and shrink to its fewest. Every difference is explained, or
 * this fails. The load's own charts see the same replicas.
 */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { ClusterWatch } from "../../src/cli/watch/cluster-watch.ts"
import type { Sync } from "../../src/cli/watch/sync.ts"
import { syncWords, type WatchEvent, wordsOf } from "../../src/cli/watch/words.ts"
import type { Result } from "../../src/load/result.ts"
import { CliProcess, runCli, TemporaryFolder } from "../support/cli.ts"
import { TestNamespace, testRegistry } from "../support/cluster.ts"
import { patientMs } from "../support/patience.ts"
import { root } from "../support/repository.ts"
import { scaleDownSooner } from "../support/scale-down.ts"

const module = `${root}examples/prime-factor/service.ts`
const scenario = `${root}test/fixtures/load/random-numbers.ts`
const name = "prime-factors"
const most = 4
const loadS = 100
/** Load, then the time until the last replica but one has gone. */
const watchMsMax = patientMs(900_000)
const options = {
  node: ["--conditions=capstan-source"],
  env: { KUBECONFIG: process.env.KUBECONFIG },
}

test("ours decides what the cluster's autoscaler does, sync by sync, up and down", async (t) => {
  await using space = await TestNamespace.make()
  const { api } = space
  const builder = process.env.TEST_BUILDER
  const deployed = await runCli(
    [
      ...["deploy", module, "--namespace", space.name, "--expose", "NodePort"],
      ...["--tag", `${testRegistry()}/${space.name}/${name}:1`],
      ...(builder === undefined ? [] : ["--builder", builder]),
      ...["--min-replicas", "1", "--max-replicas", `${most}`, "--target-cpu", "50"],
      ...["--cpu", "150m", "--cpu-limit", "150m", "--memory", "192Mi"],
    ],
    options,
  )
  assert.equal(deployed.code, 0, deployed.stderr)
  await scaleDownSooner(api, space.name, name)

  const syncs: Sync[] = []
  const watch = new ClusterWatch(api, { namespace: space.name, name }, (event: WatchEvent) => {
    if (event.kind === "sync") syncs.push(event.sync)
    const words = wordsOf(event, Date.now())
    if (words !== undefined) t.diagnostic(words)
  })
  await watch.look()

  using folder = new TemporaryFolder()
  const json = `${folder.path}/result.json`
  await using load = new CliProcess(
    [
      ...["load", scenario, "--host", deployed.stdout.trim(), "--headless"],
      ...["--users", "6", "--run-time", `${loadS}s`],
      ...["--deployment", `${space.name}/${name}`, "--json", json],
    ],
    { ...options, timeoutMs: watchMsMax },
  )
  const endMs = performance.now() + watchMsMax
  for (let isOver = false; !isOver; ) {
    await sleep(1000)
    await watch.look()
    const { wanted } = watch.state?.replicas ?? { wanted: 0 }
    isOver =
      load.child.exitCode !== null && wanted === 1 && syncs.some(({ theirs }) => theirs.to === 1)
    assert.ok(performance.now() < endMs, `it has not shrunk: ${load.stdout}${load.stderr}`)
  }
  const { code } = await load.ended
  assert.equal(code, 0, load.stdout + load.stderr)

  const alike = syncs.filter(({ differences }) => differences.length === 0)
  t.diagnostic(`${syncs.length} syncs seen, ours the same at ${alike.length}`)
  const unexplained = syncs.filter(({ differences }) =>
    differences.some(({ because }) => because === undefined),
  )
  assert.deepEqual(unexplained.map(syncWords), [])
  const changes = alike.filter(({ theirs: { from, to } }) => from !== to)
  assert.ok(
    changes.some(({ theirs }) => theirs.to === most),
    "it grew to its most",
  )
  assert.ok(
    changes.some(({ theirs }) => theirs.to === 1),
    "it shrank to one",
  )

  const { history } = JSON.parse(readFileSync(json, "utf8")) as Result
  const seen = history.map(({ target }) => target?.replicas.ready ?? 0)
  assert.ok(seen.includes(1) && seen.includes(most), `the load's chart shows it grow: ${seen}`)
})
