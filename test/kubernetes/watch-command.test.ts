import assert from "node:assert/strict"
import { test } from "node:test"
import type { WatchState } from "../../src/cli/watch/state.ts"
import type { KubernetesObject } from "../../src/kubernetes/kinds.ts"
import type { PageState } from "../../src/load/page/events.ts"
import { CliProcess, eventually, runCli } from "../support/cli.ts"
import { StandInCluster } from "../support/stand-in-cluster.ts"
import { autoscaler, deployment, pod, used } from "../support/watched.ts"

function put(cluster: StandInCluster, object: KubernetesObject): void {
  const index = cluster.objects.findIndex(
    ({ kind, metadata }) => kind === object.kind && metadata?.name === object.metadata?.name,
  )
  if (index >= 0) cluster.objects.splice(index, 1)
  cluster.objects.push(object)
}

test("watch tells what happens line by line, outlives an outage, serves the page, ends at once", async () => {
  await using cluster = await StandInCluster.start()
  for (const each of [
    deployment(1),
    pod("p"),
    used("p", 98, 0),
    autoscaler({ from: 1, to: 1, percent: 98 }),
  ]) {
    put(cluster, each)
  }
  cluster.logs.set(
    "p",
    `${"2026-11-24T12:00:00.000000001Z"} {"level":"error","msg":"out of paper"}\n`,
  )
  await using cli = new CliProcess(["watch", "a", "--web-port", "0"], {
    env: { KUBECONFIG: cluster.kubeconfig },
  })
  const [, url = ""] = await cli.output(/the live page is at (http:\S+)/)
  await cli.output(/1 wanted \(1 to 10\), 1 there, 1 ready, CPU at 98 % of 50 %, 0\.10 cores/)
  await cli.output(/p: error: out of paper/)

  put(cluster, deployment(2))
  put(cluster, pod("q", { bornS: 0, readyS: null }))
  put(cluster, autoscaler({ from: 1, to: 2, percent: 98, atS: 1 }))
  await cli.output(/1 → 2: cpu at 98 %, target 50 %, asks for 2: 1 ready pod × 1\.96\n/)
  await cli.output(/q is being started\n/)

  cluster.isAway = true
  await cli.output(/no answer any more: .* can't be reached: .*It is asked again each second/)
  cluster.isAway = false
  await cli.output(/it answers again, after \d/)

  const state = await eventually(async () => {
    const { target } = (await (await fetch(`${url}/state`)).json()) as PageState
    return target?.reading == null ? undefined : target
  }, "a reading on the page")
  assert.deepEqual(state.reading?.replicas, { wanted: 2, present: 2, ready: 1, min: 1, max: 10 })
  assert.deepEqual(
    state.reading?.pods?.map(({ name, phase }) => [name, phase]),
    [
      ["p", "ready"],
      ["q", "starting"],
    ],
  )
  assert.deepEqual(
    state.decisions.map(({ from, to }) => [from, to]),
    [[1, 2]],
  )
  assert.ok(state.lines?.some(({ text }) => text.includes("out of paper")))

  cli.child.kill("SIGINT")
  assert.deepEqual(await cli.ended, { code: 0, signal: null })
})

test("watch --once is for scripts, and says what is not there", async () => {
  await using cluster = await StandInCluster.start()
  const env = { KUBECONFIG: cluster.kubeconfig }
  const nothing = await runCli(["watch", "a", "--once"], { env })
  assert.equal(nothing.code, 1)
  assert.match(nothing.stderr, /There is no deployment a in the namespace default of stand-in\./)

  put(cluster, deployment(1))
  put(cluster, pod("p"))
  const seen = await runCli(["watch", "a", "--once", "--json"], { env })
  const { replicas, autoscaler: none } = JSON.parse(seen.stdout) as WatchState
  assert.deepEqual([seen.code, replicas, none], [0, { wanted: 1, present: 1, ready: 1 }, null])
})

test("watch --once says what keeps a replica from coming up, once it has had its time", async () => {
  await using cluster = await StandInCluster.start()
  const env = { KUBECONFIG: cluster.kubeconfig }
  put(cluster, deployment(2))
  put(cluster, pod("p"))
  const { annotations = {} } = deployment(2).metadata ?? {}
  const { labels = {} } = pod("q").metadata ?? {}
  put(cluster, { kind: "ReplicaSet", metadata: { name: "a-1", uid: "set", labels, annotations } })
  const ownerReferences = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "a-1", uid: "set" }]
  const killed = { terminated: { reason: "OOMKilled", exitCode: 137 } }
  const stuck = (bornMs: number) =>
    pod("q", {
      readyS: null,
      status: { restartCount: 2, state: killed, lastState: killed },
      metadata: { creationTimestamp: new Date(bornMs).toISOString(), ownerReferences },
    })
  put(cluster, stuck(Date.now() - 3_600_000))
  const old = await runCli(["watch", "a", "--once"], { env })
  assert.match(
    old.stdout,
    /Trouble {4}The container needs more memory than its limit and was killed, 2 times by now\.\n +Give it more with --memory\.\n/,
  )
  // Of a future that no test is slow enough to reach.
  put(cluster, stuck(Date.now() + 3_600_000))
  const young = await runCli(["watch", "a", "--once"], { env })
  assert.doesNotMatch(young.stdout, /Trouble/)
})
