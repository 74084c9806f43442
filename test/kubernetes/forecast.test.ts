import assert from "node:assert/strict"
import { test } from "node:test"
import { type ForecastFacts, forecast } from "../../src/kubernetes/cluster/forecast.ts"
import { requestOf, roomFor } from "../../src/kubernetes/cluster/room.ts"
import type { Node, Pod } from "../../src/kubernetes/kinds.ts"
import type { DeploymentLists } from "../../src/kubernetes/manifests/lists.ts"
import { resolveDeployment } from "../../src/kubernetes/manifests/options.ts"
import type { Taint } from "../../src/kubernetes/manifests/placement.ts"
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

const gpuNode = (name: string, gpus: string, more: Partial<Node> = {}): Node => {
  const made = node(name, "8", "64Gi", more)
  const allocatable = { ...made.status?.allocatable, "nvidia.com/gpu": gpus }
  return { ...made, status: { ...made.status, allocatable } }
}

/** As the command line gives them, beside what one fact is about. */
function placed(nodes: readonly Node[], lists: DeploymentLists, more: Partial<ForecastFacts> = {}) {
  const base = facts({ nodes, ...more })
  const values = { cpu: "500m", memory: "512Mi", minReplicas: 2, maxReplicas: 2 }
  const options = resolveDeployment({ name: "a", version: "1", deadlineMsMax: 1 }, [
    { values, ...lists, spelt: (name) => name },
  ])
  const needs = { ...base.needs, extended: options.resources }
  return forecast({ ...base, options: { ...options, image: "registry.example/a:1" }, needs }, true)
}

const labelled = (key: string, value: string): Partial<Node> => ({
  metadata: { name: "one", labels: { [key]: value } },
})
const tainted = (...taints: readonly Taint[]): Partial<Node> => ({ spec: { taints } })

test("labels that no node has are said with those that there are", () => {
  const nodes = [node("one", "8", "64Gi", labelled("disk", "hdd"))]
  const { obstacles } = placed(nodes, { nodeSelector: { disk: "ssd" } })
  assert.match(
    obstacles.join(),
    /^No node has the labels that --node-selector asks for: disk=ssd\. Of the nodes here, of disk there is hdd\. Ask for/,
  )
  assert.match(placed(nodes, { nodeSelector: { zone: "a" } }).obstacles.join(), /none has zone/)
  assert.deepEqual(placed(nodes, { nodeSelector: { disk: "hdd" } }), none)
  const grown = placed(nodes, { nodeSelector: { disk: "ssd" } }, { growsByItself: true })
  assert.deepEqual(grown.obstacles, [])
  assert.match(grown.warnings.join(), /The cluster adds nodes by itself/)
})

test("nodes that others keep for themselves are not counted, and taints are named with what tolerates them", () => {
  const taint = { key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" }
  const nodes = [gpuNode("one", "4", tainted(taint)), node("two", "8", "64Gi")]
  const resources = { "nvidia.com/gpu": 1 }
  assert.match(
    placed(nodes, { resources }).obstacles.join(),
    /^Every node that it may be on keeps it off by a taint: nvidia\.com\/gpu=present:NoSchedule\. .* --toleration nvidia\.com\/gpu=present:NoSchedule$/,
  )
  const tolerations = ["nvidia.com/gpu", "nvidia.com/gpu=present", "nvidia.com/gpu:NoSchedule", "*"]
  for (const each of tolerations) {
    assert.deepEqual(placed(nodes, { resources, tolerations: [each] }), none, each)
  }
  for (const each of ["other", "nvidia.com/gpu=absent", "nvidia.com/gpu:NoExecute"]) {
    const { obstacles } = placed(nodes, { resources, tolerations: [each] })
    assert.equal(obstacles.length, 1, each)
  }
})

test("of tainted nodes the one with the fewest is advised, and none that is only being emptied", () => {
  const closed = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }
  const [a, b] = ["a", "b"].map((key) => ({ key, effect: "NoSchedule" })) as [Taint, Taint]
  const nodes = [
    node("one", "8", "64Gi", tainted(a, b)),
    node("two", "8", "64Gi", tainted(b)),
    node("three", "8", "64Gi", { spec: { unschedulable: true, taints: [closed] } }),
  ]
  assert.match(
    placed(nodes, {}).obstacles.join(),
    /by a taint: a:NoSchedule, b:NoSchedule\. .* tolerate it: --toleration b:NoSchedule$/,
  )
  // That is want of room, which passes.
  const { obstacles } = placed(nodes.slice(2), {})
  assert.match(obstacles.join(), /room for 0 of at least 2 replicas: .*1 node takes no pods/)
})

test("extended resources are counted like all others, and said where no node has them", () => {
  const resources = { "nvidia.com/gpu": 1 }
  assert.match(
    placed([node("one", "8", "64Gi")], { resources }).obstacles.join(),
    /^No node has nvidia\.com\/gpu, of which a replica asks for 1\. .*device plugin/,
  )
  const used: Pod = {
    metadata: { uid: "x" },
    spec: {
      nodeName: "one",
      containers: [{ name: "x", resources: { requests: { "nvidia.com/gpu": "1" } } }],
    },
  }
  assert.match(
    placed([gpuNode("one", "2")], { resources }, { pods: [used] }).obstacles.join(),
    /room for 1 of at least 2 replicas: a replica asks for 500m CPU, 512Mi and 1 nvidia\.com\/gpu, free are 8000m, 64Gi and 1 nvidia\.com\/gpu on one/,
  )
  assert.deepEqual(placed([gpuNode("one", "2")], { resources }), none)
})

test("a quota of extended resources is counted", () => {
  const quotas = [quota({ "requests.nvidia.com/gpu": "1" })]
  const size = { requests: { cpu: "1", memory: "1Gi", "nvidia.com/gpu": "1" }, limits: {} }
  assert.match(
    forecast(facts({ quotas, size }), true).obstacles.join(),
    /lets 1 more replicas be made.* of requests\.nvidia\.com\/gpu the quota small has 0 of 1 used/,
  )
})

test("a claim that is not there, and one that all replicas can't have, are said before", () => {
  const claim = (...accessModes: string[]) => [
    { metadata: { name: "weights" }, spec: { accessModes } },
  ]
  const volumes = { "/models": "claim/weights" } as const
  const nodes = [node("one", "8", "64Gi"), node("two", "8", "64Gi")]
  const said = (claims: ForecastFacts["claims"]) => placed(nodes, { volumes }, { claims })
  assert.match(
    said([{ metadata: { name: "wheights" } }]).obstacles.join(),
    /no persistent volume claim weights, which is to be mounted at \/models; the namespace has wheights\./,
  )
  assert.match(said([]).obstacles.join(), /the namespace has none/)
  assert.match(said(claim("ReadWriteOnce")).warnings.join(), /one node at a time \(ReadWriteOnce\)/)
  assert.match(said(claim("ReadWriteOncePod")).warnings.join(), /one replica at a time/)
  const [first] = nodes
  assert.deepEqual(placed([first!], { volumes }, { claims: claim("ReadWriteOnce") }), none)
  assert.deepEqual(said(claim("ReadWriteMany")), none)
  assert.deepEqual(said(claim("ReadOnlyMany", "ReadWriteOnce")), none)
  // Who may not look is told by the pods.
  assert.deepEqual(said(undefined), none)
})

test("the init container's image is looked for as the service's is", () => {
  const init = { image: "fetch:1" }
  const { obstacles } = placed(
    [node("one", "8", "64Gi")],
    { init },
    { initFound: { kind: "missing" } },
  )
  assert.match(obstacles.join(), /no image fetch:1 in its registry.* init\.image, or --init-image/)
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
