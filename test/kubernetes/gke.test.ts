/** What `capstan gke` decides: no process runs here, and nothing is asked of anybody. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { createPlan, nothing } from "../../src/kubernetes/gke/create.ts"
import { deletePlan, everything } from "../../src/kubernetes/gke/delete.ts"
import { GcloudError } from "../../src/kubernetes/gke/gcloud.ts"
import { belongs, deleteArgs, kinds, type Resource } from "../../src/kubernetes/gke/leftovers.ts"
import { clusterCost, listPrices, regionalPrices, total } from "../../src/kubernetes/gke/prices.ts"
import { commandLine, type Plan, type Step } from "../../src/kubernetes/gke/step.ts"
import type { Survey } from "../../src/kubernetes/gke/survey.ts"
import { troubleOf } from "../../src/kubernetes/gke/trouble.ts"
import { complaintAbout, gkeDefaults, type Wish } from "../../src/kubernetes/gke/wish.ts"
import { read } from "../support/repository.ts"
import { ourCluster, ourRegistry, project } from "../support/stand-in-gcloud.ts"

const autopilot: Wish = {
  ...gkeDefaults,
  cluster: "shop",
  registry: "shop",
  project,
  location: "europe-west4",
}
const standard: Wish = { ...autopilot, mode: "standard", location: "europe-west4-a" }
const there: Survey = {
  ...nothing,
  enabled: new Set(["container.googleapis.com", "artifactregistry.googleapis.com"]),
  clusters: [ourCluster],
  registry: ourRegistry,
}
const deletion = { kubeconfig: "/tmp/k", skipServices: false }

function steps(plan: Plan): readonly Step[] {
  assert.ok(plan.kind === "steps", plan.kind === "obstacle" ? plan.message : "")
  return plan.steps
}

/** The command lines, and in parentheses what is asked of the cluster. */
function commands(plan: Plan): string[] {
  return steps(plan).map(({ action }) =>
    action.by === "gcloud" ? commandLine(action.args, action.env) : `(${action.work})`,
  )
}

/** Their beginnings, enough to tell which they are. */
function outline(plan: Plan): string[] {
  return commands(plan).map((line) =>
    line
      .replace(/^gcloud /, "")
      .split(" ")
      .slice(0, 3)
      .join(" "),
  )
}

function obstacle(plan: Plan): string {
  assert.ok(plan.kind === "obstacle")
  return `${plan.message}\n${plan.next}`
}

test("an Autopilot cluster from nothing: what is free comes first, then it is looked at", () => {
  assert.deepEqual(commands(createPlan(autopilot, nothing)), [
    "gcloud services enable container.googleapis.com artifactregistry.googleapis.com --project=shop-project",
    "gcloud artifacts repositories create shop --repository-format=docker --location=europe-west4 '--description=Images for the cluster shop, made by capstan gke create' --labels=managed-by=capstan,capstan-cluster=shop --project=shop-project",
    "gcloud container clusters create-auto shop --location=europe-west4 --release-channel=regular --labels=managed-by=capstan --project=shop-project",
    "gcloud container clusters get-credentials shop --location=europe-west4 --project=shop-project",
    "gcloud auth configure-docker europe-west4-docker.pkg.dev --quiet",
    "(see metrics)",
  ])
})

test("a Standard cluster gets nodes that scale, and its registry is in the zone's region", () => {
  const lines = commands(createPlan({ ...standard, nodesMin: 2, nodesMax: 5 }, nothing))
  assert.match(lines[1] ?? "", / --location=europe-west4 /)
  assert.equal(
    lines[2],
    "gcloud container clusters create shop --location=europe-west4-a --release-channel=regular --labels=managed-by=capstan --project=shop-project --machine-type=e2-standard-2 --num-nodes=2 --enable-autoscaling --min-nodes=2 --max-nodes=5",
  )
})

test("it goes on from whatever is there", () => {
  const rest = [
    "container clusters get-credentials",
    "auth configure-docker europe-west4-docker.pkg.dev",
    "(see metrics)",
  ]
  assert.deepEqual(outline(createPlan(autopilot, there)), rest)
  assert.deepEqual(outline(createPlan(autopilot, { ...there, clusters: [] })), [
    "container clusters create-auto",
    ...rest,
  ])
  const half = { ...ourCluster, status: "PROVISIONING" }
  const working = { ...there, clusters: [half], operations: ["operation-1"] }
  assert.deepEqual(outline(createPlan(autopilot, working)), ["container operations wait", ...rest])
  const going = { ...working, clusters: [{ ...half, status: "STOPPING" }] }
  assert.deepEqual(outline(createPlan(autopilot, going)), [
    "container operations wait",
    "container clusters create-auto",
    ...rest,
  ])
  const elsewhere = { ...there, clusters: [{ ...ourCluster, location: "us-east1" }] }
  assert.ok(outline(createPlan(autopilot, elsewhere)).includes("container clusters create-auto"))
})

test("the login plugin is installed before anything that costs", () => {
  const plan = createPlan(autopilot, { ...nothing, hasAuthPlugin: false })
  assert.equal(outline(plan)[0], "components install gke-gcloud-auth-plugin")
})

test("only what spends is asked about: a second run spends nothing", () => {
  const asks = (plan: Plan) => steps(plan).filter((step) => step.asks === "spends").length
  assert.equal(asks(createPlan(autopilot, nothing)), 2)
  assert.equal(asks(createPlan(autopilot, there)), 0)
})

test("what stands in the way is said before anything is made", () => {
  const foreign = { ...there, clusters: [{ ...ourCluster, resourceLabels: { team: "a" } }] }
  assert.match(obstacle(createPlan(autopilot, foreign)), /Capstan has not made it/)
  const broken = { ...ourCluster, status: "ERROR", statusMessage: "No room." }
  assert.match(
    obstacle(createPlan(autopilot, { ...there, clusters: [broken] })),
    /No room\.[\s\S]*capstan gke delete shop --location europe-west4 --project shop-project/,
  )
  const other = { ...there, clusters: [{ ...ourCluster, autopilot: {} }] }
  assert.match(obstacle(createPlan(autopilot, other)), /in mode standard; you asked for autopilot/)
  assert.match(
    obstacle(createPlan(autopilot, { ...nothing, hasBilling: false })),
    /no billing account[\s\S]*gcloud billing projects link shop-project/,
  )
})

test("a registry that somebody else has made is used, and said to stay", () => {
  const plan = createPlan(autopilot, { ...there, registry: { ...ourRegistry, labels: {} } })
  assert.ok(!outline(plan).some((line) => line.startsWith("artifacts")))
  assert.match(plan.kind === "steps" ? plan.notes.join() : "", /capstan gke delete will leave it/)
})

test("deletion takes load balancers first, then the cluster, then its registry", () => {
  assert.deepEqual(commands(deletePlan(autopilot, everything(autopilot), deletion)), [
    "KUBECONFIG=/tmp/k gcloud container clusters get-credentials shop --location=europe-west4 --project=shop-project",
    "(remove balancers)",
    "gcloud container clusters delete shop --location=europe-west4 --project=shop-project --quiet",
    "gcloud artifacts repositories delete shop --location=europe-west4 --project=shop-project --quiet",
  ])
  assert.deepEqual(outline(deletePlan(autopilot, there, { ...deletion, skipServices: true })), [
    "container clusters delete",
    "artifacts repositories delete",
  ])
})

test("deletion goes on from whatever is there", () => {
  assert.deepEqual(outline(deletePlan(autopilot, { ...there, clusters: [] }, deletion)), [
    "artifacts repositories delete",
  ])
  assert.deepEqual(outline(deletePlan(autopilot, nothing, deletion)), [])
  const of = (status: string) => ({
    ...there,
    registry: undefined,
    clusters: [{ ...ourCluster, status }],
    operations: ["operation-1"],
  })
  assert.deepEqual(outline(deletePlan(autopilot, of("STOPPING"), deletion)), [
    "container operations wait",
  ])
  // It never came up: nobody can be asked.
  assert.deepEqual(outline(deletePlan(autopilot, of("PROVISIONING"), deletion)), [
    "container operations wait",
    "container clusters delete",
  ])
  assert.deepEqual(outline(deletePlan(autopilot, of("ERROR"), deletion)).slice(-1), [
    "container clusters delete",
  ])
})

test("deletion never touches what Capstan has not made", () => {
  const foreign = { ...there, clusters: [{ ...ourCluster, resourceLabels: {} }] }
  assert.match(obstacle(deletePlan(autopilot, foreign, deletion)), /left alone/)
  for (const labels of [
    {},
    { "managed-by": "capstan" },
    { ...ourRegistry.labels, "capstan-cluster": "b" },
  ]) {
    const plan = deletePlan(autopilot, { ...there, registry: { ...ourRegistry, labels } }, deletion)
    assert.ok(!outline(plan).includes("artifacts repositories delete"), JSON.stringify(labels))
  }
})

test("a cluster costs what its parts cost, and what is not known is said", () => {
  const near = (usd: number, expected: number) =>
    assert.ok(Math.abs(usd - expected) < 1e-9, `${usd}`)
  const [machine, disk] = regionalPrices["europe-west4"] ?? [0, 0]
  const node = machine + (100 * disk) / 730 + 0.005
  near(clusterCost(standard).usdPerHour, 0.1 + node)
  near(
    clusterCost({ ...standard, location: "europe-west4", nodesMin: 2 }).usdPerHour,
    0.1 + 6 * node,
  )
  near(
    clusterCost({ ...standard, machineType: "e2-standard-8" }).usdPerHour,
    0.1 + node + 3 * machine,
  )
  assert.match(
    clusterCost({ ...standard, nodesMax: 3 }).words,
    / 1 node at first; \$0\.38 with the 3 nodes of its limit$/,
  )
  assert.match(clusterCost(standard).words, /^about \$0\.19 an hour: \$0\.10 for the cluster/)

  for (const wish of [
    autopilot,
    { ...standard, machineType: "n4-standard-2" },
    { ...standard, location: "mars-west1-a" },
  ]) {
    const cost = clusterCost(wish)
    near(cost.usdPerHour, 0.1)
    assert.equal(cost.unknown.length, 1)
    assert.match(cost.words, /not known here/)
    assert.match(total([cost]).words, /what is not known: /)
  }
  assert.match(
    total([clusterCost(standard)]).words,
    /^about \$0\.19 an hour, \$1\d\d\.\d\d a month$/,
  )
})

test("the prices in the documentation are those that are reckoned with", () => {
  const document = read("docs/gke.md")
  const { clusterPerHour, forwardingRulesPerHour, nodeAddressPerHour, imagesPerGbMonth } =
    listPrices
  for (const price of [
    clusterPerHour,
    forwardingRulesPerHour,
    nodeAddressPerHour,
    imagesPerGbMonth,
  ]) {
    assert.match(document, new RegExp(`\\$${String(price).replace(".", "\\.")}0? \\|`), `$${price}`)
  }
  for (const region of ["us-central1", "europe-west4", "asia-northeast1"]) {
    const [machine, disk] = regionalPrices[region] ?? []
    assert.match(
      document,
      new RegExp(`${region}[^|]*\\| *\\$${machine}[^|]*\\| *\\$${disk} `),
      region,
    )
  }
})

test("what is typed is held to Google's rules before it becomes part of a command", () => {
  assert.equal(complaintAbout(autopilot), undefined)
  assert.equal(complaintAbout(standard), undefined)
  assert.equal(complaintAbout({ ...autopilot, project: "example.com:shop-1" }), undefined)
  const complains = (change: Partial<Wish>, pattern: RegExp) =>
    assert.match(complaintAbout({ ...standard, ...change }) ?? "", pattern)
  complains({ cluster: "--async" }, /A cluster's name can't be "--async"/)
  complains({ cluster: "Shop" }, /lower-case/)
  complains({ cluster: "a".repeat(41) }, /40 at most/)
  complains({ registry: "a_b" }, /A registry's name/)
  complains({ project: "p; rm -rf" }, /A project's id/)
  complains({ location: "europe" }, /A location can't be "europe": a region such as/)
  complains({ machineType: "big one" }, /A machine type/)
  complains({ nodesMin: 0 }, /--min-nodes must be a whole number from 1/)
  complains({ nodesMin: 4, nodesMax: 3 }, /--max-nodes .* from --min-nodes \(4\)/)
  complains({ mode: "autopilot" }, /say --location europe-west4, or --mode standard/)
})

test("a printed command means the same to a shell", () => {
  assert.equal(
    commandLine(["a", "--x=it's $HOME", "b c"], { KUBECONFIG: "/tmp/a b" }),
    "KUBECONFIG='/tmp/a b' gcloud a '--x=it'\\''s $HOME' 'b c'",
  )
})

test("a leftover is known by what GKE writes on it", () => {
  const whose = (resource: Partial<Resource>) =>
    belongs({ name: "a1", ...resource }, autopilot, "uid-of-shop")
  assert.equal(whose({ labels: { "goog-k8s-cluster-name": "shop" } }), "cluster")
  const at = { "goog-k8s-cluster-name": "shop", "goog-k8s-cluster-location": "us-east1" }
  assert.equal(whose({ labels: at }), "other")
  assert.equal(whose({ labels: { "goog-k8s-cluster-name": "b" } }), "other")
  assert.equal(whose({ description: '{"cluster-uid":"uid-of-shop"}' }), "cluster")
  assert.equal(whose({ description: '{"cluster-uid":"another"}' }), "other")
  const path = "/projects/1/locations/europe-west4/clusters/"
  assert.equal(whose({ description: `{"k8sCluster":"${path}shop"}` }), "cluster")
  assert.equal(whose({ description: `{"k8sCluster":"${path}shop-2"}` }), "other")
  const service = '{"kubernetes.io/service-name":"shop/web"}'
  assert.equal(whose({ description: service }), "kubernetes")
  assert.equal(whose({ name: "k8s2-fr-abc" }), "kubernetes")
  assert.equal(whose({ name: "my-own-rule", description: "mine" }), "other")
  // A later run can't ask the cluster for its identity any more.
  const described = { name: "n", description: '{"cluster-uid":"another"}' }
  assert.equal(belongs(described, autopilot, undefined), "kubernetes")
})

test("a leftover's command says where it is", () => {
  const rule = kinds[0]
  assert.ok(rule !== undefined)
  const url = "https://www.googleapis.com/compute/v1/projects/p"
  const line = (where: Partial<Resource>) =>
    commandLine(deleteArgs(rule, { name: "a", ...where }, "p-1"))
  const start = "gcloud compute forwarding-rules delete a"
  assert.equal(
    line({ zone: `${url}/zones/us-east1-b` }),
    `${start} --zone=us-east1-b --project=p-1`,
  )
  assert.equal(
    line({ region: `${url}/regions/us-east1` }),
    `${start} --region=us-east1 --project=p-1`,
  )
  assert.equal(line({}), `${start} --global --project=p-1`)
})

/** As gcloud and the APIs word them. */
const troubles: readonly (readonly [said: string, message: RegExp, next: RegExp])[] = [
  [
    "ERROR: (gcloud.container.clusters.list) There was a problem refreshing your current auth tokens: Reauthentication failed. cannot prompt during non-interactive execution.\nPlease run:\n\n  $ gcloud auth login\n\nto obtain new credentials.",
    /not logged in, or its login has expired/,
    /^gcloud auth login$/,
  ],
  [
    "ERROR: (gcloud.services.enable) FAILED_PRECONDITION: Billing account for project '1' is not found. Billing must be enabled for activation of service(s) 'container.googleapis.com' to proceed.",
    /no billing account/,
    /gcloud billing projects link shop-project/,
  ],
  [
    "ERROR: (gcloud.container.clusters.list) ResponseError: code=403, message=Kubernetes Engine API has not been used in project 1 before or it is disabled.",
    /API is not enabled/,
    /gcloud services enable container/,
  ],
  [
    "ERROR: (gcloud.container.clusters.create) ResponseError: code=403, message=Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '6.0' and is short '2.0'.",
    /quota does not allow it\.[\s\S]*"CPUS": request requires '6\.0'/,
    /iam-admin\/quotas\?project=shop-project/,
  ],
  [
    "ERROR: (gcloud.container.clusters.create) Operation failed: ZONE_RESOURCE_POOL_EXHAUSTED",
    /no such machines left/,
    /another zone/,
  ],
  [
    'ERROR: (gcloud.container.clusters.create) ResponseError: code=403, message=Required "container.clusters.create" permission(s) for "projects/shop-project".',
    /may not do that/,
    /Kubernetes Engine Admin/,
  ],
  [
    "ERROR: (gcloud.components.install) \nYou cannot perform this action because the Google Cloud CLI component manager \nis disabled for this installation.",
    /package manager/,
    /apt-get install google-cloud-cli-gke-gcloud-auth-plugin/,
  ],
  ["ERROR: (gcloud.x) The dog ate\n it.", /^gcloud failed: \(gcloud\.x\) The dog ate it\.$/, /^$/],
]

for (const [said, message, next] of troubles) {
  test(`gcloud's complaint is explained: ${String(message)}`, () => {
    const trouble = troubleOf(new GcloudError(["x"], "failed", said), autopilot)
    assert.match(trouble.message, message)
    assert.match(trouble.next, next)
  })
}
