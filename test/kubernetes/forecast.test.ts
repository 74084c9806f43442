import assert from "node:assert/strict"
import { test } from "node:test"
import { type ForecastFacts, forecast } from "../../src/kubernetes/cluster/forecast.ts"
import { requestOf, roomFor } from "../../src/kubernetes/cluster/room.ts"
import type { Node, Pod } from "../../src/kubernetes/kinds.ts"
import { resolveDeployment } from "../../src/kubernetes/manifests/options.ts"
import { amount, shownBytes } from "../../src/kubernetes/quantity.ts"
import { node } from "../support/stand-in-cluster.ts"

const mi = 2 ** 20

function pod(uid: string, cpu: string, memory: string, nodeName = "one"): Pod {
  return {
    metadata: { uid },
    spec: { nodeName, containers: [{ name: "x", resources: { requests: { cpu, memory } } }] },
    status: { phase: "Running" },
  }
}

function facts(more: Partial<ForecastFacts> = {}, config = {}): ForecastFacts {
  const service = { name: "a", version: "1", deadlineMsMax: 1 }
  const spelt = (name: string) => name
  const values = { cpu: "500m", memory: "512Mi", minReplicas: 2, maxReplicas: 4, ...config }
  const options = resolveDeployment(service, [{ values, spelt }])
  return {
    options: { ...options, image: "registry.example/a:1" },
    size: {
      requests: { cpu: "500m", memory: "512Mi" },
      limits: { memory: "512Mi" },
    },
    needs: { cpu: 0.5, memory: 512 * mi },
    nodes: [node("one", "4", "8Gi")],
    pods: [],
    ours: new Set(),
    replicas: 0,
    quotas: [],
    ranges: [],
    missing: [],
    growsByItself: false,
    found: { kind: "there", platforms: ["linux/amd64"] },
    ...more,
  }
}

const none = { obstacles: [], warnings: [] }

test("room for all replicas is nothing to speak of", () => {
  assert.deepEqual(forecast(facts(), true), none)
})

test("no room for the least replicas stops it, and says what each node has free", () => {
  const nodes = [node("one", "1", "8Gi")]
  const { obstacles } = forecast(facts({ nodes, pods: [pod("b", "300m", "1Gi")] }), true)
  assert.match(
    obstacles.join(),
    /room for 1 of at least 2 replicas: a replica asks for 500m CPU and 512Mi, free are 700m and 7Gi on one\. Ask for less/,
  )
})

test("no room for the most replicas is a warning", () => {
  const { obstacles, warnings } = forecast(facts({ nodes: [node("one", "1500m", "8Gi")] }), true)
  assert.deepEqual(obstacles, [])
  assert.match(warnings.join(), /room for 3 of at most 4 replicas/)
})

test("where nodes are added by themselves, want of room is only told", () => {
  const { obstacles, warnings } = forecast(facts({ nodes: [], growsByItself: true }), true)
  assert.deepEqual(obstacles, [])
  assert.match(warnings.join(), /room for 0 of at least 2 .*The cluster adds nodes by itself/)
})

test("replicas that are there make room for their successors, one at a time", () => {
  const nodes = [node("one", "2", "8Gi")]
  const ours = new Set(["a1", "a2", "a3", "a4"])
  const pods = [...ours].map((uid) => pod(uid, "500m", "512Mi"))
  const full = facts({ nodes, pods, ours, replicas: 4 })
  assert.match(forecast(full, true).obstacles.join(), /adds one replica before it takes one away/)
  // Without a new version nothing has to be added.
  assert.deepEqual(forecast(full, false), none)
})

test("nodes that take no pods do not count, nor do pods that have ended", () => {
  const nodes: Node[] = [
    node("one", "1", "8Gi"),
    node("cordoned", "64", "64Gi", { spec: { unschedulable: true } }),
    node("tainted", "64", "64Gi", { spec: { taints: [{ key: "gpu", effect: "NoSchedule" }] } }),
    {
      ...node("soft", "1", "8Gi", { spec: { taints: [{ key: "x", effect: "PreferNoSchedule" }] } }),
    },
  ]
  const ended = { ...pod("b", "1", "1Gi"), status: { phase: "Succeeded" } }
  const room = roomFor({ cpu: 0.5, memory: mi }, nodes, [ended], () => false)
  assert.deepEqual([room.inAll, room.closed], [4, 2])
})

test("a pod reserves its containers, its sidecars, or its greediest start", () => {
  const container = (cpu: string, restartPolicy?: string) => ({
    name: "x",
    resources: { requests: { cpu } },
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  })
  const cpu = (spec: Parameters<typeof requestOf>[0]) => requestOf(spec).cpu
  assert.equal(cpu({ containers: [container("1"), container("500m")] }), 1.5)
  assert.equal(cpu({ containers: [container("1")], initContainers: [container("2")] }), 2)
  const sidecar = container("500m", "Always")
  assert.equal(cpu({ containers: [container("1")], initContainers: [sidecar] }), 1.5)
  assert.equal(
    cpu({ containers: [container("1")], initContainers: [sidecar, container("2")] }),
    2.5,
  )
  assert.equal(cpu({ containers: [container("1")], overhead: { cpu: "250m" } }), 1.25)
})

const quota = (hard: Record<string, string>, used: Record<string, string> = {}) => ({
  metadata: { name: "small" },
  status: { hard, used },
})

test("a quota that lets too few replicas be made stops it, with the figures", () => {
  const quotas = [quota({ "requests.cpu": "2", pods: "20" }, { "requests.cpu": "1200m" })]
  const { obstacles } = forecast(facts({ quotas }), true)
  assert.match(
    obstacles.join(),
    /quota lets 1 more replicas be made, and 2 are needed: of requests\.cpu the quota small has 1\.2 of 2 used, and a replica takes 0\.5\./,
  )
  const roomy = [quota({ "requests.memory": "2Gi" }, { "requests.memory": "768Mi" })]
  const { warnings } = forecast(facts({ quotas: roomy }), true)
  assert.match(warnings.join(), /lets 2 more replicas be made, .*768Mi of 2Gi used.*512Mi/)
})

test("a quota on CPU limits wants each replica to have one", () => {
  const quotas = [quota({ "limits.cpu": "4" })]
  assert.match(
    forecast(facts({ quotas }), true).obstacles.join(),
    /counts limits\.cpu.*--cpu-limit/,
  )
  const ranges = [{ spec: { limits: [{ type: "Container", default: { cpu: "1" } }] } }]
  assert.deepEqual(forecast(facts({ quotas, ranges }), true).obstacles, [])
})

test("limits of the namespace are held against a replica", () => {
  const ranges = [
    { spec: { limits: [{ type: "Container", max: { memory: "256Mi" }, min: { cpu: "1" } }] } },
  ]
  const { obstacles } = forecast(facts({ ranges }), true)
  assert.match(obstacles.join(), /allows a container 256Mi of memory.*--memory/)
  assert.match(obstacles.join(), /ask for 1 of cpu at least.*--cpu/)
})

test("an image that is not there stops it, unless a node has it", () => {
  const missing = facts({ found: { kind: "missing" } })
  assert.match(forecast(missing, true).obstacles.join(), /There is no image registry\.example\/a:1/)
  const one = node("one", "4", "8Gi")
  const images = [{ names: ["registry.example/a:1"] }]
  const loaded = { ...one, status: { ...one.status, images } }
  assert.deepEqual(forecast({ ...missing, nodes: [loaded] }, true), none)
})

test("an image that nobody may ask for is left to the nodes, and told", () => {
  const { obstacles, warnings } = forecast(
    facts({ found: { kind: "unknown", why: "it is private" } }),
    true,
  )
  assert.deepEqual(obstacles, [])
  assert.match(warnings.join(), /can't be said before: it is private\./)
})

test("an image for other processors than the nodes' stops it; for some of them it is told", () => {
  const arm = { ...node("arm", "4", "8Gi"), status: { ...node("arm", "4", "8Gi").status } }
  arm.status.nodeInfo = { operatingSystem: "linux", architecture: "arm64" }
  const only = forecast(facts({ nodes: [arm] }), true)
  assert.match(only.obstacles.join(), /exec format error.*--platform linux\/arm64/)
  const mixed = forecast(facts({ nodes: [arm, node("one", "4", "8Gi")] }), true)
  assert.deepEqual(mixed.obstacles, [])
  assert.match(mixed.warnings.join(), /there are nodes of linux\/arm64/)
})

test("who may not look at nodes is told that room is not known", () => {
  const { warnings } = forecast(facts({ nodes: undefined }), true)
  assert.match(warnings.join(), /you may not list nodes and pods/)
})

test("amounts are read as Kubernetes writes them", () => {
  const all = { "100m": 0.1, "1.5": 1.5, "1e3": 1000, "12E": 12e18, "2Gi": 2 ** 31, "5k": 5000 }
  for (const [text, value] of Object.entries(all)) assert.equal(amount(text), value, text)
  assert.ok(Number.isNaN(amount("many")))
  assert.equal(shownBytes(1.5 * 2 ** 30), "1.5Gi")
})
