import assert from "node:assert/strict"
import { test } from "node:test"
import { toDelete } from "../../src/kubernetes/cluster/inventory.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { StandInCluster } from "../support/stand-in-cluster.ts"

const down = (cluster: StandInCluster, ...args: readonly string[]) =>
  runCli(["down", "a", ...args], { env: { KUBECONFIG: cluster.kubeconfig } })

function deployed(cluster: StandInCluster): void {
  cluster.add("Service", "a")
  cluster.add("Deployment", "a")
  cluster.add("ReplicaSet", "a-1", { owner: "Deployment/a" })
  cluster.add("Pod", "a-1-x", { owner: "ReplicaSet/a-1" })
  cluster.add("HorizontalPodAutoscaler", "a")
}

test("down lists what goes, deletes what nobody owns, the autoscaler first, and finds nothing", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  const { code, stdout, stderr } = await down(cluster)
  assert.equal(stdout, "nothing remains\n", stderr)
  assert.equal(code, 0)
  assert.match(stderr, /context stand-in, namespace default, deployment a\n/)
  assert.match(stderr, /goes: Pod a-1-x, of ReplicaSet a-1\n/)
  assert.deepEqual(cluster.deleted, ["HorizontalPodAutoscaler/a", "Deployment/a", "Service/a"])
  assert.deepEqual(cluster.objects, [])
})

test("down leaves alone what has other labels, or the same name and none", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  cluster.add("Secret", "a", { labels: {} })
  cluster.add("Secret", "mine", { labels: { "app.kubernetes.io/name": "a" } })
  cluster.add("Deployment", "b", {
    labels: { "app.kubernetes.io/name": "b", "app.kubernetes.io/managed-by": "capstan" },
  })
  const { stdout } = await down(cluster)
  assert.equal(stdout, "nothing remains\n")
  assert.deepEqual(
    cluster.objects.map(({ kind, metadata }) => `${kind}/${metadata?.name}`),
    ["Secret/a", "Secret/mine", "Deployment/b"],
  )
})

test("down leaves alone what others have made with the labels of its objects", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  // As `kubectl expose deployment a --name a-exposed` does, and whoever copies a deployment.
  cluster.add("Service", "a-exposed")
  // A controller makes these of a Service, with its name and labels.
  cluster.add("Endpoints", "a-exposed")
  cluster.add("Endpoints", "a")
  cluster.add("Deployment", "copy")
  cluster.add("ReplicaSet", "copy-1", { owner: "Deployment/copy" })
  cluster.add("Pod", "copy-1-x", { owner: "ReplicaSet/copy-1" })
  // One of ours by another name: a version of Capstan that has called it so.
  cluster.add("Service", "a-old")
  const managedFields = [{ manager: "capstan" }]
  Object.assign(cluster.find("Service", "a-old")?.metadata ?? {}, { managedFields })
  const { code, stdout, stderr } = await down(cluster)
  assert.deepEqual([code, stdout], [0, "nothing remains\n"], stderr)
  assert.match(
    stderr,
    /stays: Service a-exposed, which bears the labels and was not made by Capstan/,
  )
  assert.deepEqual(
    cluster.objects.map(({ kind, metadata }) => `${kind}/${metadata?.name}`),
    [
      ...["Service/a-exposed", "Endpoints/a-exposed"],
      ...["Deployment/copy", "ReplicaSet/copy-1", "Pod/copy-1-x"],
    ],
  )
})

test("down prints what remains, fails, and goes on from there when run again", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  cluster.stuck.add("Service")
  const first = await down(cluster, "--timeout", "1")
  assert.equal(first.code, 1)
  assert.equal(first.stdout, "remains: Service a\n")
  cluster.stuck.clear()
  const second = await down(cluster)
  assert.deepEqual([second.code, second.stdout], [0, "nothing remains\n"])
})

test("down --dry-run deletes nothing", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  const { code, stderr } = await down(cluster, "--dry-run")
  assert.equal(code, 0)
  assert.match(stderr, /would go: Deployment a\n/)
  assert.deepEqual(cluster.deleted, [])
})

test("what the cluster forbids is said in words", async () => {
  await using cluster = await StandInCluster.start()
  cluster.refuses = 403
  const { code, stderr } = await down(cluster)
  assert.equal(code, 1)
  assert.match(stderr, /The cluster forbids it: User "someone" cannot do this/)
})

test("what is going already is not deleted again", () => {
  const found = { path: "", uid: "", owners: [], isDeployed: true, isForeign: false }
  const going = { ...found, kind: "Deployment", name: "a", going: true }
  const there = { ...found, kind: "Service", name: "a", going: false }
  assert.deepEqual(toDelete([going, there]), [there])
})

test("what may not be looked for is named, and nothing is claimed of it", async () => {
  await using cluster = await StandInCluster.start()
  cluster.hidden.add("HorizontalPodAutoscaler")
  const { code, stdout, stderr } = await down(cluster)
  assert.deepEqual([code, stdout], [1, "nothing remains that you may see\n"])
  assert.match(stderr, /there is nothing of it\n/)
  assert.match(stderr, /you may not list it: HorizontalPodAutoscaler\n/)
})

test("two names at once are refused, since only one could go", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  const { code, stderr } = await down(cluster, "--name", "b")
  assert.equal(code, 2)
  assert.match(stderr, /Which deployment\? a is the name of one, and --name says b\./)
  assert.deepEqual(cluster.deleted, [])
})

test("of the configuration only the place counts: the rest may be whole with deploy's flags only", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  using folder = new TemporaryFolder()
  const text =
    'export const config = { deployment: { name: "b", minReplicas: 20, hostname: "x.y" } }'
  const { code, stdout, stderr } = await down(cluster, "--config", folder.write("c.mjs", text))
  assert.deepEqual([code, stdout], [0, "nothing remains\n"], stderr)
})

test("what a cluster says can't steer the terminal that shows it", async () => {
  await using cluster = await StandInCluster.start()
  deployed(cluster)
  cluster.refuses = 403
  cluster.refusal = "no\x1b]0;a title\x07 \x1b\x1b[0m[2J\x9b2J \u202ereversed"
  const { code, stderr } = await down(cluster)
  assert.equal(code, 1)
  assert.match(stderr, /no\ufffd]0;a title/)
  assert.doesNotMatch(stderr, /[^\P{Cc}\n]|\u202e/u)
})
