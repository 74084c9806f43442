import assert from "node:assert/strict"
import { test } from "node:test"
import { awaitRollout, rolloutFailure } from "../../src/cli/deploy.ts"
import { Api } from "../../src/kubernetes/cluster/api.ts"
import { changesBetween } from "../../src/kubernetes/cluster/changes.ts"
import { type Observed, select } from "../../src/kubernetes/cluster/observe.ts"
import { progressOf, waitForRollout } from "../../src/kubernetes/cluster/rollout.ts"
import { troubleOf, withLog } from "../../src/kubernetes/cluster/trouble.ts"
import type {
  Condition,
  ContainerStatus,
  Deployment,
  Event,
  Pod,
} from "../../src/kubernetes/kinds.ts"
import { lifeOf } from "../../src/kubernetes/watch/pod-life.ts"
import { patienceMs } from "../support/patience.ts"
import { StandInCluster } from "../support/stand-in-cluster.ts"

interface PodFacts {
  readonly phase?: string
  readonly status?: Partial<ContainerStatus>
  readonly conditions?: readonly Condition[]
}

function pod({ phase = "Pending", status = {}, conditions = [] }: PodFacts): Pod {
  return {
    metadata: { name: "a-1-x" },
    spec: { containers: [{ name: "service", image: "registry.example/a:1" }] },
    status: {
      phase,
      conditions,
      containerStatuses: [{ name: "service", image: "", restartCount: 0, ...status }],
    },
  }
}

const observed = (facts: PodFacts, more: Partial<Observed> = {}): Observed => ({
  deployment: {},
  pods: [pod(facts)],
  olderReady: 0,
  warnings: [],
  ...more,
})

const waiting = (reason: string, message = "") => ({
  status: { state: { waiting: { reason, message } } },
})

test("an image that is not there is told from one that may not be had", () => {
  const missing = troubleOf(observed(waiting("ErrImagePull", 'reference "a:1": not found')))
  assert.match(
    missing?.message ?? "",
    /The image registry\.example\/a:1 can't be pulled: .*not found\./,
  )
  assert.match(missing?.next ?? "", /Push it/)
  const denied = troubleOf(observed(waiting("ImagePullBackOff", "401 Unauthorized")))
  assert.match(denied?.next ?? "", /--pull-secret/)
  const away = troubleOf(observed(waiting("ErrImagePull", "connection refused")))
  assert.match(away?.next ?? "", /a registry that only your machine reaches/)
})

test("a secret that is missing is told with the command that makes it", () => {
  const message = 'secret "database" not found'
  const trouble = troubleOf(observed(waiting("CreateContainerConfigError", message)))
  assert.equal(trouble?.message, `The container can't be started: ${message}.`)
  assert.match(trouble?.next ?? "", /kubectl create secret generic database/)
})

test("an init container that fails, or is at work, is told by its own name, with its own log", () => {
  const seen = (init: Partial<ContainerStatus>) => {
    const { spec, status, ...rest } = pod(waiting("PodInitializing"))
    const started: Pod = {
      ...rest,
      spec: { ...spec!, initContainers: [{ name: "init", image: "fetch:1" }] },
      status: { ...status, initContainerStatuses: [{ name: "init", ...init }] },
    }
    return { trouble: troubleOf(observed({}, { pods: [started] })), life: lifeOf(started) }
  }
  const failed = seen({
    restartCount: 2,
    state: { waiting: { reason: "CrashLoopBackOff" } },
    lastState: { terminated: { exitCode: 22, reason: "Error" } },
  })
  assert.match(
    failed.trouble?.message ?? "",
    /init container ends with exit code 22, 2 times by now, so the service does not start/,
  )
  assert.equal(failed.trouble?.patienceMs, 0)
  assert.deepEqual(failed.trouble?.log, { pod: "a-1-x", previous: true, container: "init" })
  assert.deepEqual(
    [failed.life.phase, failed.life.lastEnd, failed.life.restarts],
    ["failed", "exit code 22", 2],
  )

  const image = seen({ state: { waiting: { reason: "ErrImagePull", message: "not found" } } })
  assert.match(image.trouble?.message ?? "", /The image fetch:1 can't be pulled/)
  assert.match(image.trouble?.next ?? "", /--init-image/)

  const atWork = seen({ state: { running: {} } })
  assert.match(atWork.trouble?.message ?? "", /init container is at work/)
  assert.match(atWork.trouble?.next ?? "", /--timeout/)
  assert.equal(atWork.life.phase, "starting")

  const done = seen({ state: { terminated: { exitCode: 0, reason: "Completed" } } })
  assert.equal(done.trouble, undefined)
  assert.deepEqual([done.life.phase, done.life.lastEnd], ["starting", undefined])
})

test("a crash is waited for once, then given up, with the log of the run that crashed", () => {
  const crashed = (restartCount: number, reason = "Error") =>
    troubleOf(
      observed({
        phase: "Running",
        status: {
          restartCount,
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { exitCode: reason === "Error" ? 1 : 137, reason } },
        },
      }),
    )
  assert.equal(crashed(1)?.patienceMs, Number.POSITIVE_INFINITY)
  assert.equal(crashed(2)?.patienceMs, 0)
  assert.match(crashed(2)?.message ?? "", /ends again, with exit code 1, 2 times by now\./)
  assert.deepEqual(crashed(2)?.log, { pod: "a-1-x", previous: true })
  assert.match(crashed(2, "OOMKilled")?.message ?? "", /more memory than its limit/)
  assert.match(crashed(2, "OOMKilled")?.next ?? "", /--memory/)
})

const warning = (reason: string, message: string, name = "a-1-x"): Event => ({
  ...{ reason, message, metadata: {} },
  involvedObject: { name },
})

test("a container that its probe has ended is told from one that ends by itself", () => {
  const facts = (exitCode: number): PodFacts => ({
    phase: "Running",
    status: { restartCount: 2, lastState: { terminated: { exitCode, reason: "Error" } } },
  })
  const warnings = [
    warning("Unhealthy", "Startup probe failed: context deadline exceeded"),
    warning("Unhealthy", "Readiness probe failed: statuscode: 503"),
  ]
  for (const exitCode of [0, 137, 143]) {
    const trouble = troubleOf(observed(facts(exitCode), { warnings }))
    assert.match(
      trouble?.message ?? "",
      /does not answer its probe, .* started again, 2 times by now: Startup probe failed: .* exceeded\./,
    )
    assert.match(trouble?.next ?? "", /main thread.*--cpu/)
    assert.equal(trouble?.patienceMs, 0)
  }
  const own = troubleOf(observed(facts(1), { warnings }))
  assert.match(own?.message ?? "", /ends again, with exit code 1/)
})

test("an image for another processor is known by its log", () => {
  const trouble = { message: "It ends.", next: "Mend it.", patienceMs: 0, log: undefined }
  const line = "exec /usr/local/bin/docker-entrypoint.sh: exec format error"
  assert.match(withLog(trouble, [line]).next, /another processor.*--platform/)
  assert.equal(withLog(trouble, ["Error: no database"]).next, "Mend it.")
})

test("what only the node knows of is told in its words", () => {
  const said = 'failed to setup network for sandbox: plugin type="calico" failed'
  const warnings = [warning("FailedCreatePodSandBox", said)]
  const trouble = troubleOf(observed(waiting("ContainerCreating"), { warnings }))
  assert.match(
    trouble?.message ?? "",
    /held up on its node, .*: failed to setup network .* failed\./,
  )
  assert.equal(trouble?.patienceMs, Number.POSITIVE_INFINITY)
  const others = [warning("FailedMount", "no disk", "another")]
  assert.equal(troubleOf(observed(waiting("ContainerCreating"), { warnings: others })), undefined)
})

test("a deployment that somebody has paused is told, unless all of it is there", () => {
  const paused = (updatedReplicas: number): Partial<Observed> => ({
    pods: [],
    deployment: {
      metadata: { name: "a", namespace: "shop" },
      spec: { replicas: 2, paused: true },
      status: { updatedReplicas },
    },
  })
  assert.match(
    troubleOf(observed({}, paused(0)))?.next ?? "",
    /^kubectl rollout resume deployment a --namespace shop$/,
  )
  assert.equal(troubleOf(observed({}, paused(2))), undefined)
})

test("no room on any node is waited for, since nodes may be added", () => {
  const message = "0/3 nodes are available: 3 Insufficient cpu."
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }]
  const trouble = troubleOf(observed({ conditions }))
  assert.equal(trouble?.message, `No node has room for a replica: ${message}`)
  assert.equal(trouble?.patienceMs, Number.POSITIVE_INFINITY)
})

test("a probe that fails is told in the kubelet's words", () => {
  const warnings = [
    warning("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    warning("Unhealthy", "something else", "another"),
  ]
  const trouble = troubleOf(observed({ phase: "Running" }, { warnings }))
  assert.match(trouble?.message ?? "", /runs and is not ready: Readiness probe failed: .* 503\./)
  assert.deepEqual(trouble?.log, { pod: "a-1-x", previous: false })
})

test("a quota that is used up is told although there is no pod to look at", () => {
  const condition = { type: "ReplicaFailure", status: "True", message: "exceeded quota: small" }
  const deployment = { status: { conditions: [condition] } }
  const trouble = troubleOf(observed({}, { pods: [], deployment }))
  assert.match(trouble?.message ?? "", /refuses to make its pods: exceeded quota: small\./)
  assert.match(trouble?.next ?? "", /quota raised/)
})

test("what is only starting is no trouble", () => {
  assert.equal(troubleOf(observed(waiting("ContainerCreating"))), undefined)
  assert.equal(troubleOf(observed({ phase: "Running" })), undefined)
})

test("a rollout is done when the new version is all there is, and seen to be", () => {
  const deployment = (status: Deployment["status"] & object): Deployment => ({
    metadata: { generation: 2 },
    spec: { replicas: 3 },
    status: { observedGeneration: 2, ...status },
  })
  const at = (updatedReplicas: number, replicas: number, availableReplicas: number, seen = 2) =>
    progressOf(
      deployment({ updatedReplicas, replicas, availableReplicas, observedGeneration: seen }),
    )
  assert.deepEqual(at(3, 3, 3), { wanted: 3, updated: 3, ready: 3, done: true })
  assert.deepEqual(at(1, 4, 3), { wanted: 3, updated: 1, ready: 0, done: false })
  assert.deepEqual(at(2, 4, 4), { wanted: 3, updated: 2, ready: 2, done: false })
  // All is well, but with the version before: the controller has not looked yet.
  assert.deepEqual(at(3, 3, 3, 1), { wanted: 3, updated: 0, ready: 0, done: false })
})

test("pods are told apart by version, and only those of the new one are looked into", () => {
  const owned = (name: string, uid: string, ready: boolean): Pod => ({
    metadata: {
      name,
      ownerReferences: [{ kind: "ReplicaSet", name: uid, uid, apiVersion: "apps/v1" }],
    },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  })
  const set = (uid: string, revision: string) => ({
    metadata: { uid, annotations: { "deployment.kubernetes.io/revision": revision } },
  })
  const { pods, olderReady } = select(
    { metadata: { annotations: { "deployment.kubernetes.io/revision": "2" } } },
    [set("old", "1"), set("new", "2")],
    [owned("a", "old", true), owned("b", "old", true), owned("c", "new", false)],
    [],
  )
  assert.deepEqual([pods.map(({ metadata }) => metadata?.name), olderReady], [["c"], 2])
})

test("a failed rollout is told with its log, what to do, and what serves meanwhile", () => {
  const trouble = { message: "It crashes.", next: "Mend it.", patienceMs: 0, log: undefined }
  const end = { trouble, logLines: ["Error: no database"], olderReady: 2 }
  const failed = rolloutFailure({ kind: "failed", ...end }, 60_000)
  assert.equal(failed.exitCode, 1)
  assert.equal(failed.message, "It crashes.")
  assert.match(
    failed.hint ?? "",
    /^It logged last:\n {2}Error: no database\nMend it\.\nThe version before goes on serving, by 2 replicas\. .*--rollback$/,
  )
  const late = rolloutFailure({ kind: "timeout", ...end, logLines: [], olderReady: 0 }, 60_000)
  assert.equal(late.message, "The new version was not ready within 60 s.")
  assert.match(late.hint ?? "", /^It crashes\.\nMend it\.\nNothing serves now/)
})

test("a dry run shows what would change, not what the server counts", () => {
  const before = { metadata: { generation: 1, labels: { a: "1" } }, spec: { max: 4, list: [1] } }
  const after = {
    metadata: { generation: 2, labels: {} },
    spec: { max: 5, list: [1, 2] },
    status: {},
  }
  assert.deepEqual(changesBetween(before, after), [
    { path: "metadata.labels.a", before: '"1"', after: undefined },
    { path: "spec.max", before: "4", after: "5" },
    { path: "spec.list.1", before: undefined, after: "2" },
  ])
})

test("an API server that is away for a moment does not end the wait", async () => {
  await using cluster = await StandInCluster.start()
  const status = { observedGeneration: 1, replicas: 1 }
  cluster.add("Deployment", "a", { object: { spec: { replicas: 1 }, status } })
  const done = { updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 }
  const told: string[] = []
  const end = await waitForRollout(new Api(undefined, { KUBECONFIG: cluster.kubeconfig }), {
    ...{ namespace: "default", name: "a", timeoutMs: patienceMs() },
    signal: new AbortController().signal,
    progressed: () => {
      cluster.isAway = true
    },
    troubled: () => {},
    unanswered: ({ message }) => {
      told.push(message)
      cluster.isAway = false
      Object.assign(status, done)
    },
  })
  assert.equal(end.kind, "done")
  assert.equal(told.length, 1)
  assert.match(told[0] ?? "", /can't be reached/)
})

test("a deployment that somebody has set to 0 replicas is not said to serve", async () => {
  await using cluster = await StandInCluster.start()
  const object = { spec: { replicas: 0 }, status: { observedGeneration: 1, replicas: 0 } }
  cluster.add("Deployment", "a", { object })
  const api = new Api(undefined, { KUBECONFIG: cluster.kubeconfig })
  const { signal } = new AbortController()
  const options = { timeoutMs: patienceMs(), signal }
  const waited = awaitRollout(api, { namespace: "default", name: "a" }, options)
  await assert.rejects(waited, /^Failure: Nothing serves: somebody has set the deployment a to 0/)
})
