import assert from "node:assert/strict"
import { test } from "node:test"
import { asked } from "../../src/cli/cluster-failure.ts"
import type { Failure } from "../../src/cli/failure.ts"
import { addressByRoute } from "../../src/kubernetes/cluster/address.ts"
import { Api } from "../../src/kubernetes/cluster/api.ts"
import { apply } from "../../src/kubernetes/cluster/apply.ts"
import { missingReferences } from "../../src/kubernetes/cluster/references.ts"
import { lastVersion, rollbackOf } from "../../src/kubernetes/cluster/rollback.ts"
import type { Deployment, ReplicaSet } from "../../src/kubernetes/kinds.ts"
import { resolveDeployment } from "../../src/kubernetes/manifests/options.ts"
import { CliProcess } from "../support/cli.ts"
import { root } from "../support/repository.ts"
import { node, StandInCluster } from "../support/stand-in-cluster.ts"
import { StandInPrograms } from "../support/stand-in-programs.ts"

const module = `${root}examples/prime-factor/service.ts`

/** Nothing answers there, so it is not known whether it is there. */
const image = "127.0.0.1:9/a:1"

function deploying(cluster: StandInCluster, args: readonly string[], env: object = {}): CliProcess {
  return new CliProcess(["deploy", module, "--no-open", "--name", "a", ...args], {
    node: ["--conditions=capstan-source"],
    env: { KUBECONFIG: cluster.kubeconfig, ...env },
  })
}

async function deploy(cluster: StandInCluster, args: readonly string[], env: object = {}) {
  await using cli = deploying(cluster, args, env)
  const { code } = await cli.ended
  return { code, stdout: cli.stdout, stderr: cli.stderr }
}

test("deploy says what it could not foresee, applies in order, waits, and tells how to get there", async () => {
  await using cluster = await StandInCluster.start()
  const { code, stdout, stderr } = await deploy(cluster, ["--image", image])
  assert.equal(code, 0, stderr)
  assert.equal(stdout, "")
  assert.match(stderr, /Whether the nodes can pull 127\.0\.0\.1:9\/a:1 can't be said before/)
  assert.match(stderr, /the new version serves, by 1 replica; the autoscaler makes them 2/)
  assert.match(
    stderr,
    /inside the cluster it is http:\/\/a\.default\n.*capstan open a --namespace default/,
  )
  assert.deepEqual(cluster.applied, [
    ...["ServiceAccount/a", "NetworkPolicy/a", "Service/a", "PodDisruptionBudget/a"],
    ...["Deployment/a", "HorizontalPodAutoscaler/a"],
  ])
})

test("what will not come up is said before anything is changed, and can be tried all the same", async () => {
  await using cluster = await StandInCluster.start()
  cluster.nodes = [node("small", "300m", "8Gi")]
  cluster.add("ConfigMap", "tuning", { labels: {} })
  const named = ["--env-from", "secret/database", "--env-from", "configmap/tuning"]
  const mounted = ["/certs=secret/certs", "/models=claim/models", "/old=claim/there"]
  cluster.add("PersistentVolumeClaim", "there", { labels: {} })
  const refused = await deploy(cluster, [
    ...["--image", image, ...named, "--pull-secret", "login"],
    ...mounted.flatMap((each) => ["--volume", each]),
    ...["--init-image", "127.0.0.1:9/fetch:1", "--init-env", "A=1"],
  ])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /room for 0 of at least 2 replicas: .*300m and 8Gi on small/)
  assert.match(
    refused.stderr,
    /no secret database in the namespace default\. Make it: {2}kubectl create secret generic database/,
  )
  assert.match(refused.stderr, /kubectl create secret docker-registry login/)
  assert.match(refused.stderr, /no secret certs in the namespace default/)
  assert.match(
    refused.stderr,
    /no persistent volume claim models, which is to be mounted at \/models; the namespace has there\./,
  )
  assert.match(refused.stderr, /Whether the nodes can pull 127\.0\.0\.1:9\/fetch:1 can't be said/)
  assert.doesNotMatch(refused.stderr, /tuning/)
  assert.match(refused.stderr, /Nothing was changed\. To try all the same: --anyway/)
  assert.deepEqual(cluster.applied, [])
  const { code, stderr } = await deploy(cluster, ["--image", image, "--anyway"])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /room for 0 of at least 2/)
  const again = await deploy(cluster, ["--image", image, "--anyway"])
  assert.match(again.stderr, /Deployment a unchanged\n/)
  assert.match(again.stderr, /what was pushed as .* name it by digest/)
})

test("what somebody else has made is not taken over unless told, whatever it is", async () => {
  await using cluster = await StandInCluster.start()
  cluster.add("ServiceAccount", "a", { labels: { team: "identity" } })
  const refused = await deploy(cluster, ["--image", image])
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /There is a ServiceAccount a in the namespace default that was not made for a by Capstan\.\n.*--name.*--force/,
  )
  assert.equal(cluster.applied.length, 0)
  const { code, stderr } = await deploy(cluster, ["--image", image, "--force"])
  assert.equal(code, 0, stderr)
  assert.ok(cluster.applied.includes("ServiceAccount/a"))
})

test("a conflict is told by object, owner and field, with what to do", async () => {
  await using cluster = await StandInCluster.start()
  const field = '.spec.template.spec.containers[name="service"].image'
  cluster.conflicts.set("Deployment", [
    ["kubectl-edit", ".spec.paused"],
    ["kubectl-edit", field],
    ["helm", ".metadata.labels.team"],
  ])
  const api = new Api(undefined, { KUBECONFIG: cluster.kubeconfig })
  const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a" } }
  const options = { deployment: "a", namespace: "default", dryRun: false }
  const refused = asked(() => apply(api, object, { ...options, force: false }))
  await assert.rejects(refused, ({ message, hint = "", exitCode }: Failure) => {
    assert.equal(
      message,
      `Others have set what this would change in the Deployment a: kubectl-edit spec.paused, ${field.slice(1)}; helm metadata.labels.team.`,
    )
    assert.match(hint, /--force/)
    return exitCode === 1
  })
  assert.deepEqual(cluster.applied, [])
  await apply(api, object, { ...options, force: true })
  assert.deepEqual(cluster.applied, ["Deployment/a"])
})

test("a Gateway that is not there is missed before anything is changed", async () => {
  await using cluster = await StandInCluster.start()
  cluster.hasGateways = true
  const api = new Api(undefined, { KUBECONFIG: cluster.kubeconfig })
  const facts = { name: "a", version: "1", deadlineMsMax: 1000 }
  const options = resolveDeployment(facts, [{ values: { gateway: "edge" }, spelt: String }])
  assert.deepEqual(await missingReferences(api, "default", options), [
    "There is no Gateway edge in the namespace default: nothing would be routed. Those that there are:  kubectl get gateways --all-namespaces",
  ])
  cluster.add("Gateway", "edge")
  assert.deepEqual(await missingReferences(api, "default", options), [])
})

test("what an earlier deploy made and this one has not goes once the new version serves", async () => {
  await using cluster = await StandInCluster.start()
  const managedFields = [{ manager: "capstan" }]
  cluster.add("Service", "a-management")
  Object.assign(cluster.find("Service", "a-management")?.metadata ?? {}, { managedFields })
  // `kubectl expose deployment a` makes such a one, with the Deployment's labels.
  cluster.add("Service", "a-exposed")
  cluster.add("Secret", "a")
  const rehearsed = await deploy(cluster, ["--image", image, "--dry-run"])
  assert.deepEqual(rehearsed.stdout.match(/.* would go/g), ["Service a-management would go"])
  assert.deepEqual(cluster.deleted, [])
  const { stderr } = await deploy(cluster, ["--image", image])
  assert.doesNotMatch(stderr, /by digest/)
  assert.match(stderr, /Service a-management is no longer wanted and goes/)
  assert.deepEqual(cluster.deleted, ["Service/a-management"])
})

test("with minikube it says at once that a load balancer wants a tunnel, and waits for its address", async () => {
  await using cluster = await StandInCluster.start("minikube")
  await using cli = deploying(cluster, ["--image", image, "--expose", "LoadBalancer"])
  await cli.output(/minikube tunnel --profile minikube\n.*waits for it, up to 60 s/)
  const status = { loadBalancer: { ingress: [{ ip: "10.1.2.3" }] } }
  Object.assign(cluster.find("Service", "a") ?? {}, { status })
  assert.equal((await cli.ended).code, 0)
  assert.equal(cli.stdout, "http://10.1.2.3\n")
})

test("kinds and fields that the cluster has not are refused before anything is changed", async () => {
  await using cluster = await StandInCluster.start()
  cluster.version = "v1.28.15"
  const { code, stderr } = await deploy(cluster, [
    "--image",
    image,
    "--gateway",
    "edge",
    "--monitor",
    "on",
  ])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /cluster is Kubernetes v1\.28\.15, and this needs 1\.30 or later, for lifecycle/,
  )
  assert.match(stderr, /does not know the kind HTTPRoute .*Install the Gateway API/)
  assert.match(stderr, /does not know the kind ServiceMonitor .*Prometheus Operator/)
  assert.deepEqual(cluster.applied, [])
})

const id = `sha256:${"ab".repeat(32)}`
const docker = `if (args[0] === "build") write(after("--iidfile"), "${id}")`

test("without an image it is built for the nodes and loaded into kind, and rolled out by its content", async () => {
  await using cluster = await StandInCluster.start("kind-dev")
  const arm = node("one", "4", "8Gi")
  arm.status.nodeInfo.architecture = "arm64"
  cluster.nodes = [arm]
  using programs = new StandInPrograms({ docker, kind: "" })
  const { code, stderr } = await deploy(cluster, [], { PATH: programs.path })
  assert.equal(code, 0, stderr)
  const calls = programs.calls.map((call) => call.join(" "))
  assert.match(calls[1] ?? "", /^docker build .*--platform linux\/arm64/)
  assert.match(calls.at(-1) ?? "", /^kind load image-archive --name dev /)
  const container = cluster.find<Deployment>("Deployment", "a")?.spec?.template?.spec?.containers[0]
  assert.equal(container?.image, "docker.io/library/prime-factors:abababababab")
})

test("without an image and without a registry to push to it says what to name", async () => {
  await using cluster = await StandInCluster.start()
  const { code, stderr } = await deploy(cluster, [])
  assert.equal(code, 2)
  assert.match(stderr, /has to pull it from a registry\.\n.*--tag registry\.example\/me\/a:1\.0\.0/)
})

test("rollback takes the pods back to the version before, and says what stays", async () => {
  await using cluster = await StandInCluster.start()
  const set = (name: string, revision: string, image: string) => {
    const template = {
      metadata: { labels: { app: "a", "pod-template-hash": name } },
      spec: { containers: [{ name: "service", image }] },
    }
    cluster.add("ReplicaSet", name, { object: { spec: { template } } })
    Object.assign(cluster.find("ReplicaSet", name)?.metadata ?? {}, {
      annotations: { "deployment.kubernetes.io/revision": revision },
    })
  }
  const api = new Api(undefined, { KUBECONFIG: cluster.kubeconfig })
  assert.equal(await lastVersion(api, "default", "a"), "no deployment")
  cluster.add("Service", "a", { object: { spec: { type: "ClusterIP" } } })
  cluster.add("Deployment", "a", { object: { spec: { selector: {}, template: {} } } })
  Object.assign(cluster.find("Deployment", "a")?.metadata ?? {}, {
    annotations: { "deployment.kubernetes.io/revision": "3" },
  })
  set("a-3", "3", "a:3")
  assert.equal(await lastVersion(api, "default", "a"), "no version before")
  set("a-1", "1", "a:1")
  set("a-2", "2", "a:2")
  const { code, stderr } = await deploy(cluster, ["--rollback"])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /from revision 3 back to 2: its image a:2/)
  assert.match(stderr, /autoscaler, Service and all else stay as they are/)
  const { template } = cluster.find<Deployment>("Deployment", "a")?.spec ?? {}
  assert.equal(template?.spec?.containers[0]?.image, "a:2")
  assert.deepEqual(template?.metadata?.labels, { app: "a" })
  assert.deepEqual(cluster.applied, ["Deployment/a"])
})

test("a rollback says again all that Capstan owns of the Deployment, or it would be taken away", () => {
  const annotations = (number: string) => ({ "deployment.kubernetes.io/revision": number })
  const deployment: Deployment = {
    metadata: { name: "a", annotations: annotations("5") },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: "a" } },
      strategy: { type: "RollingUpdate" },
      revisionHistoryLimit: 3,
    },
  }
  const template = { spec: { containers: [{ name: "service", image: "a:4" }] } }
  const sets: ReplicaSet[] = [{ metadata: { annotations: annotations("4") }, spec: { template } }]
  const { spec } = rollbackOf(deployment, sets)?.deployment ?? {}
  assert.deepEqual(Object.keys(spec ?? {}).toSorted(), [
    ...["revisionHistoryLimit", "selector", "strategy", "template"],
  ])
  assert.equal(rollbackOf(deployment, []), undefined)
})

test("after two versions that did not come up, a rollback goes to the one that serves", () => {
  const at = (revision: number, readyReplicas = 0) => ({
    metadata: { annotations: { "deployment.kubernetes.io/revision": `${revision}` } },
    spec: { template: { spec: { containers: [] } } },
    status: { readyReplicas },
  })
  assert.equal(rollbackOf(at(4), [at(4), at(3), at(2, 2), at(1)])?.to, 2)
  assert.equal(rollbackOf(at(4), [at(4, 2), at(3), at(2), at(1)])?.to, 3)
})

test("a route's address is its host name, or the Gateway's own, once the Gateway has taken it", () => {
  const accepted = { parents: [{ conditions: [{ type: "Accepted", status: "True" }] }] }
  const rules = { parentRefs: [{ name: "edge" }], rules: [] }
  const gateway = {
    spec: {
      listeners: [
        { port: 80, protocol: "HTTP" },
        { port: 443, protocol: "HTTPS" },
      ],
    },
    status: { addresses: [{ value: "10.0.0.1" }] },
  }
  const named = { spec: { ...rules, hostnames: ["a.example"] }, status: accepted }
  assert.deepEqual(addressByRoute(named, gateway), { kind: "url", url: "https://a.example" })
  const bare = { spec: rules, status: accepted }
  const plain = { ...gateway, spec: { listeners: [{ port: 8000, protocol: "HTTP" }] } }
  assert.deepEqual(addressByRoute(bare, plain), { kind: "url", url: "http://10.0.0.1:8000" })
  assert.equal(addressByRoute(bare, undefined).kind, "unrouted")
  const message = "no listener takes it"
  const refused = { parents: [{ conditions: [{ type: "Accepted", status: "False", message }] }] }
  assert.deepEqual(addressByRoute({ spec: rules, status: refused }, gateway), {
    kind: "unrouted",
    why: message,
  })
})
