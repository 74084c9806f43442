import assert from "node:assert/strict"
import { test } from "node:test"
import { parseAllDocuments } from "yaml"
import { plurals } from "../../src/kubernetes/cluster/resources.ts"
import { imageTable } from "../../src/kubernetes/image/options.ts"
import type { HttpRoute, ServiceMonitor } from "../../src/kubernetes/installed-kinds.ts"
import type {
  Deployment,
  HorizontalPodAutoscaler,
  KubernetesObject,
  Service,
  ServiceAccount,
} from "../../src/kubernetes/kinds.ts"
import { manifests, ports } from "../../src/kubernetes/manifests/objects.ts"
import {
  type DeploymentConfig,
  deploymentTable,
  resolveDeployment,
} from "../../src/kubernetes/manifests/options.ts"
import { yamlOf } from "../../src/kubernetes/manifests/print.ts"
import { nameOf } from "../../src/kubernetes/name.ts"
import { allowed, type OptionSpec } from "../../src/kubernetes/option.ts"
import { flag, resolveSettings, settingsTable } from "../../src/service/settings.ts"
import { runCli } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"

const image = "registry.example/prime-factors@sha256:0"
const facts = { name: "prime-factors", version: "1.0.0", deadlineMsMax: 30_000 }

function made(config: DeploymentConfig = {}): readonly KubernetesObject[] {
  const options = resolveDeployment(facts, [{ values: config, ...config, spelt: flag }])
  return manifests({ ...options, image: options.image ?? image })
}

function one<T extends KubernetesObject>(kind: string, config?: DeploymentConfig): T {
  const found = made(config).find((each) => each.kind === kind)
  assert.ok(found, kind)
  return found as T
}

function pod(config?: DeploymentConfig) {
  const spec = one<Deployment>("Deployment", config).spec?.template?.spec
  assert.ok(spec)
  return { spec, container: spec.containers[0]! }
}

function environment(config?: DeploymentConfig): Record<string, string> {
  const { env = [] } = pod(config).container
  return Object.fromEntries(env.map(({ name, value = "" }) => [name, value]))
}

test("the example's manifests are those that are checked in", async (t) => {
  const { code, stdout, stderr } = await runCli(
    ["manifests", `${root}examples/prime-factor/service.ts`, "--image", image],
    { node: ["--conditions=capstan-source"] },
  )
  assert.equal(code, 0, stderr)
  // Written anew by: npx node --test --test-update-snapshots test/kubernetes/manifests.test.ts
  t.assert.fileSnapshot(stdout, `${root}test/fixtures/kubernetes/prime-factors.yaml`, {
    serializers: [String],
  })
  assert.equal(parseAllDocuments(stdout).length, made().length)
})

test("texts stay texts to kubectl, which reads YAML 1.1", () => {
  const texts = ["yes", "off", "y", "1_000", "0b1", "12:30:45", "2001-01-01", "~"]
  const env = Object.fromEntries(texts.map((text, index) => [`V${index}`, text]))
  const yaml = yamlOf(made({ env, labels: { y: "no" } }))
  const [deployment] = parseAllDocuments(yaml, { version: "1.1" })
    .map((each) => each.toJS() as Deployment)
    .filter(({ kind }) => kind === "Deployment")
  const variables = deployment?.spec?.template?.spec?.containers[0]?.env ?? []
  const values = variables.filter(({ name }) => name in env).map(({ value }) => value)
  assert.deepEqual(values, texts)
  assert.equal(deployment?.metadata?.labels?.y, "no")
})

test("what readers of YAML take for ends of lines, or for nothing, is written by its number", () => {
  const chars = ["\u007f", "\u0085", "\u009f", "\u2028", "\u2029", "\ufeff", "\uffff"]
  const texts = chars.flatMap((char) => [`a${char}b`, `a${char}b\nc: "d" \\n\n`, char])
  const env = Object.fromEntries(texts.map((text, index) => [`V${index}`, text]))
  const yaml = yamlOf(made({ env }))
  for (const char of chars) assert.ok(!yaml.includes(char), `U+${char.charCodeAt(0).toString(16)}`)
  for (const version of ["1.1", "1.2"] as const) {
    const deployment = parseAllDocuments(yaml, { version })
      .map((each) => each.toJS() as Deployment)
      .find(({ kind }) => kind === "Deployment")
    const variables = deployment?.spec?.template?.spec?.containers[0]?.env ?? []
    const values = variables.filter(({ name }) => name in env).map(({ value }) => value)
    assert.deepEqual(values, texts)
  }
})

test("the replicas are the autoscaler's alone", () => {
  assert.equal("replicas" in (one<Deployment>("Deployment").spec ?? {}), false)
  const { spec } = one<HorizontalPodAutoscaler>("HorizontalPodAutoscaler")
  assert.deepEqual([spec?.minReplicas, spec?.maxReplicas], [2, 10])
  assert.ok(spec?.behavior?.scaleUp?.policies?.length && spec.behavior.scaleDown?.policies?.length)
})

test("its pods are what Pod Security calls restricted, and can't write their image", () => {
  const { spec, container } = pod()
  assert.equal(spec.securityContext?.runAsNonRoot, true)
  assert.notEqual(spec.securityContext?.runAsUser, 0)
  assert.equal(spec.securityContext?.seccompProfile?.type, "RuntimeDefault")
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  })
  assert.equal(spec.automountServiceAccountToken, false)
  assert.equal(spec.enableServiceLinks, false)
})

test("memory is limited to what is requested; CPU is not limited unless told", () => {
  const { resources } = pod({ cpu: "1500m", memory: "1Gi" }).container
  assert.deepEqual(resources?.requests, { cpu: "1500m", memory: "1Gi" })
  assert.deepEqual(resources?.limits, { memory: "1Gi" })
  const limited = pod({ cpuLimit: "2" }).container.resources
  assert.equal(limited?.limits?.cpu, "2")
})

test("without a CPU limit the workers are as many as the request pays for", () => {
  assert.equal(environment({ cpu: "150m" }).CAPSTAN_WORKERS, "1")
  assert.equal(environment({ cpu: "2.5" }).CAPSTAN_WORKERS, "3")
  assert.equal(environment({ cpuLimit: "4" }).CAPSTAN_WORKERS, undefined)
  assert.equal(environment({ env: { CAPSTAN_WORKERS: "7" } }).CAPSTAN_WORKERS, "7")
})

test("the grace covers the wait before, the longest request, and a margin", () => {
  const { spec } = pod({ preStopSeconds: 10 })
  const graceMs = Number(environment().CAPSTAN_DRAIN_GRACE_MS)
  assert.ok(graceMs > facts.deadlineMsMax)
  assert.ok((spec.terminationGracePeriodSeconds ?? 0) * 1000 > 10_000 + graceMs)
  const own = pod({ env: { CAPSTAN_DRAIN_GRACE_MS: "60000" } }).spec.terminationGracePeriodSeconds
  assert.ok((own ?? 0) > 65)
})

test("probes ask the management port, liveness otherwise than readiness", () => {
  const { livenessProbe, readinessProbe, startupProbe } = pod().container
  assert.deepEqual(livenessProbe?.httpGet, { path: "/livez", port: "management" })
  assert.deepEqual(readinessProbe?.httpGet, { path: "/readyz", port: "management" })
  assert.equal(startupProbe?.httpGet?.path, "/livez")
})

test("ports and variables are those that the service has by default", () => {
  assert.deepEqual(ports, {
    api: settingsTable.port.default,
    management: settingsTable.managementPort.default,
  })
  assert.equal(settingsTable.host.default, "0.0.0.0")
  const ours = Object.entries(environment()).filter(([name]) => name.startsWith("CAPSTAN_"))
  assert.doesNotThrow(() => resolveSettings({ env: Object.fromEntries(ours) }))
})

test("everything bears the labels that it is found and removed by", () => {
  for (const { kind, metadata } of made({ gateway: "shared/edge", monitor: "on" })) {
    assert.ok(kind !== undefined && kind in plurals, String(kind))
    assert.equal(metadata?.labels?.["app.kubernetes.io/managed-by"], "capstan")
    assert.equal(metadata?.labels?.["app.kubernetes.io/name"], "prime-factors")
    assert.match(metadata?.name ?? "", /^prime-factors(-management)?$/)
  }
  const { spec } = one<Deployment>("Deployment")
  const labels = spec?.template?.metadata?.labels ?? {}
  for (const [key, value] of Object.entries(spec?.selector?.matchLabels ?? {})) {
    assert.equal(labels[key], value)
    // A selector can't be changed, so nothing may be in it that changes from version to version.
    assert.doesNotMatch(key, /version/)
  }
})

test("secrets and config maps are named, never copied", () => {
  const { envFrom } = pod({ envFrom: ["secret/database", "configmap/tuning"] }).container
  assert.deepEqual(envFrom, [
    { secretRef: { name: "database" } },
    { configMapRef: { name: "tuning" } },
  ])
})

test("what is exposed is what was asked for, and the management port is not", () => {
  const { spec } = one<Service>("Service", { expose: "NodePort" })
  assert.equal(spec?.type, "NodePort")
  assert.deepEqual(
    spec?.ports?.map(({ targetPort }) => targetPort),
    ["api"],
  )
})

test("titles become names that Kubernetes takes", () => {
  assert.equal(nameOf("Prime factors"), "prime-factors")
  assert.equal(nameOf("2 Größen & Ähnliches!"), "gro-en-ahnliches")
  assert.equal(nameOf("日本語"), "service")
  assert.equal(nameOf(`a${"-b".repeat(60)}`).length, 63)
})

test("one key of a secret becomes a variable, by reference", () => {
  const { env } = pod({
    env: {
      DATABASE_URL: { secret: "database", key: "url" },
      MODE: { configmap: "tuning", key: "m" },
    },
  }).container
  assert.deepEqual(env?.slice(-2), [
    { name: "DATABASE_URL", valueFrom: { secretKeyRef: { name: "database", key: "url" } } },
    { name: "MODE", valueFrom: { configMapKeyRef: { name: "tuning", key: "m" } } },
  ])
})

test("a Gateway routes to the service, by host name where one is given", () => {
  assert.equal(
    made().some(({ kind }) => kind === "HTTPRoute"),
    false,
  )
  const { spec } = one<HttpRoute>("HTTPRoute", { gateway: "shared/edge", hostname: "a.example" })
  assert.deepEqual(spec, {
    parentRefs: [{ name: "edge", namespace: "shared" }],
    hostnames: ["a.example"],
    rules: [{ backendRefs: [{ name: "prime-factors", port: 80 }] }],
  })
  const here = one<HttpRoute>("HTTPRoute", { gateway: "edge" }).spec
  assert.deepEqual(here?.parentRefs, [{ name: "edge" }])
  assert.equal(here?.hostnames, undefined)
})

test("a ServiceMonitor selects the Service of the management port, which has no address", () => {
  const monitored = made({ monitor: "on", labels: { release: "prometheus" } })
  const monitor = monitored.find(({ kind }) => kind === "ServiceMonitor") as ServiceMonitor
  assert.equal(monitor.metadata?.labels?.release, "prometheus")
  const services = monitored.filter(({ kind }) => kind === "Service") as Service[]
  const selected = services.filter(({ metadata }) =>
    Object.entries(monitor.spec.selector.matchLabels ?? {}).every(
      ([key, value]) => metadata?.labels?.[key] === value,
    ),
  )
  assert.deepEqual(
    selected.map(({ spec }) => [spec?.clusterIP, spec?.ports?.map(({ name }) => name)]),
    [["None", ["management"]]],
  )
  assert.deepEqual(
    monitor.spec.endpoints.map(({ port, path }) => [port, path]),
    [["management", "/metrics"]],
  )
  const long = manifests({
    ...resolveDeployment({ ...facts, name: `a${"b".repeat(62)}` }, []),
    image,
    monitor: "on",
  })
  for (const { metadata } of long) assert.ok((metadata?.name ?? "").length <= 63)
})

test("labels of one's own are on everything, pods included, and never replace Capstan's", () => {
  const labels = { team: "pricing" }
  for (const { kind, metadata } of made({ labels })) {
    assert.equal(metadata?.labels?.team, "pricing", `${kind}`)
  }
  const { template, selector } = one<Deployment>("Deployment", { labels }).spec ?? {}
  assert.equal(template?.metadata?.labels?.team, "pricing")
  assert.equal(selector?.matchLabels?.team, undefined)
  const own = { "app.kubernetes.io/name": "b" }
  assert.throws(
    () => made({ labels: own }),
    /app\.kubernetes\.io\/name: this label is Capstan's own/,
  )
})

test("a login for the registry and annotations for the load balancer are where they belong", () => {
  const account = one<ServiceAccount>("ServiceAccount", { pullSecret: "registry" })
  assert.deepEqual(account.imagePullSecrets, [{ name: "registry" }])
  const serviceAnnotations = { "example.com/internal": "true" }
  const { metadata } = one<Service>("Service", { expose: "LoadBalancer", serviceAnnotations })
  assert.deepEqual(metadata?.annotations, serviceAnnotations)
})

test("a tag that moves is pulled at every start, everything else once", () => {
  const policy = (name: string) => pod({ image: name }).container.imagePullPolicy
  assert.equal(policy("registry.example:5000/a"), "Always")
  assert.equal(policy("registry.example/a:latest"), "Always")
  assert.equal(policy("registry.example:5000/a:1"), "IfNotPresent")
  assert.equal(policy("registry.example/a@sha256:0"), "IfNotPresent")
})

test("replicas of a version are spread by themselves", () => {
  for (const { matchLabelKeys } of pod().spec.topologySpreadConstraints ?? []) {
    assert.deepEqual(matchLabelKeys, ["pod-template-hash"])
  }
})

test("volumes are mounted where they are named, and read only where that is said", () => {
  const { spec, container } = pod({
    volumes: {
      "/models": "emptydir/2Gi:ro",
      "/data/weights": "claim/weights",
      "/etc/tuning": "configmap/tuning",
      "/etc/certs": "secret/certs",
    },
  })
  assert.deepEqual(spec.volumes, [
    { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
    { name: "models", emptyDir: { sizeLimit: "2Gi" } },
    { name: "data-weights", persistentVolumeClaim: { claimName: "weights" } },
    { name: "etc-tuning", configMap: { name: "tuning" } },
    { name: "etc-certs", secret: { secretName: "certs" } },
  ])
  assert.deepEqual(container.volumeMounts, [
    { name: "tmp", mountPath: "/tmp" },
    { name: "models", mountPath: "/models", readOnly: true },
    { name: "data-weights", mountPath: "/data/weights" },
    { name: "etc-tuning", mountPath: "/etc/tuning" },
    { name: "etc-certs", mountPath: "/etc/certs" },
  ])
  // Not gone through file by file at every start.
  assert.equal(spec.securityContext?.fsGroupChangePolicy, "OnRootMismatch")
  assert.equal(pod().spec.securityContext?.fsGroupChangePolicy, undefined)
})

test("volumes have names of their own, and /tmp may be another one", () => {
  const long = `/${"a".repeat(70)}`
  const { spec } = pod({
    volumes: {
      "/tmp": "emptydir/10Gi",
      "/a/b": "emptydir/1Gi",
      "/a-b": "emptydir/1Gi",
      [long]: "emptydir/1Gi",
      [`${long}b`]: "emptydir/1Gi",
    },
  })
  const names = (spec.volumes ?? []).map(({ name }) => name)
  assert.deepEqual(names.slice(0, 3), ["tmp", "a-b", "a-b-2"])
  assert.equal(new Set(names).size, 5)
  for (const name of names) assert.match(name, /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/)
  assert.deepEqual(spec.volumes?.[0], { name: "tmp", emptyDir: { sizeLimit: "10Gi" } })
})

test("an init container is confined as the service is, writes to its volumes, and reserves nothing more", () => {
  const { spec, container } = pod({
    cpu: "2",
    memory: "4Gi",
    volumes: { "/models": "emptydir/2Gi:ro", "/etc/certs": "secret/certs" },
    init: {
      image: "curlimages/curl:8.17.0",
      command: ["curl"],
      args: ["-o", "/models/m.bin", "https://models.example/m.bin"],
      env: { TOKEN: { secret: "hub", key: "token" } },
      mounts: ["/models"],
    },
    resources: { "nvidia.com/gpu": 1 },
  })
  const [init, ...more] = spec.initContainers ?? []
  assert.deepEqual(more, [])
  assert.deepEqual(init, {
    name: "init",
    image: "curlimages/curl:8.17.0",
    imagePullPolicy: "IfNotPresent",
    command: ["curl"],
    args: ["-o", "/models/m.bin", "https://models.example/m.bin"],
    env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "hub", key: "token" } } }],
    resources: { requests: { cpu: "2", memory: "4Gi" }, limits: { memory: "4Gi" } },
    securityContext: container.securityContext,
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      { name: "models", mountPath: "/models" },
    ],
  })
  assert.equal(container.volumeMounts?.find(({ name }) => name === "models")?.readOnly, true)
})

test("an init container without an image of its own has the service's, and all volumes", () => {
  const { spec, container } = pod({
    volumes: { "/models": "emptydir/2Gi", "/cache": "claim/cache" },
    init: { command: ["node", "--eval", "0"] },
  })
  const [init] = spec.initContainers ?? []
  assert.equal(init?.image, container.image)
  assert.deepEqual(init?.volumeMounts, container.volumeMounts)
})

test("nodes are chosen by labels, taints and extended resources", () => {
  const { spec, container } = pod({
    resources: { "nvidia.com/gpu": 2 },
    nodeSelector: { "cloud.google.com/gke-accelerator": "nvidia-l4" },
    tolerations: ["nvidia.com/gpu", "dedicated=models:NoSchedule", "*"],
  })
  assert.equal(container.resources?.requests?.["nvidia.com/gpu"], "2")
  assert.equal(container.resources?.limits?.["nvidia.com/gpu"], "2")
  assert.deepEqual(spec.nodeSelector, { "cloud.google.com/gke-accelerator": "nvidia-l4" })
  assert.deepEqual(spec.tolerations, [
    { key: "nvidia.com/gpu", operator: "Exists" },
    { key: "dedicated", operator: "Equal", value: "models", effect: "NoSchedule" },
    { operator: "Exists" },
  ])
})

test("docs/kubernetes.md has every option, its default, its meaning and the reason", () => {
  const page = read("docs/kubernetes.md").replaceAll(/ +/g, " ")
  for (const table of [deploymentTable, imageTable]) {
    for (const [name, spec] of Object.entries<OptionSpec>(table)) {
      const given = Array.isArray(spec.default) ? undefined : spec.default
      const row = `| \`${flag(name)}\` | ${given ?? "–"} | ${spec.doc} | ${spec.why} |`
      assert.ok(page.includes(row), `${row} (${allowed(spec)})`)
    }
  }
})
