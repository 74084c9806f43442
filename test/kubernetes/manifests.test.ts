import assert from "node:assert/strict"
import { test } from "node:test"
import type {
  KubernetesObject,
  V1Deployment,
  V1Service,
  V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node"
import { parseAllDocuments } from "yaml"
import { plurals } from "../../src/kubernetes/cluster/resources.ts"
import { manifests, ports } from "../../src/kubernetes/manifests/objects.ts"
import {
  allowed,
  type DeploymentFlags,
  type DeploymentOptionSpec,
  deploymentTable,
  resolveDeployment,
} from "../../src/kubernetes/manifests/options.ts"
import { nameOf } from "../../src/kubernetes/name.ts"
import { flag, resolveSettings, settingsTable } from "../../src/service/settings.ts"
import { runCli } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"

const image = "registry.example/prime-factors@sha256:0"
const facts = { name: "prime-factors", version: "1.0.0", deadlineMsMax: 30_000 }

function made(flags: DeploymentFlags = {}): readonly KubernetesObject[] {
  return manifests(resolveDeployment(facts, { image, ...flags }, flag))
}

function one<T extends KubernetesObject>(kind: string, flags?: DeploymentFlags): T {
  const found = made(flags).find((each) => each.kind === kind)
  assert.ok(found, kind)
  return found as T
}

function pod(flags?: DeploymentFlags) {
  const spec = one<V1Deployment>("Deployment", flags).spec?.template.spec
  assert.ok(spec)
  return { spec, container: spec.containers[0]! }
}

function environment(flags?: DeploymentFlags): Record<string, string> {
  const { env = [] } = pod(flags).container
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

test("the replicas are the autoscaler's alone", () => {
  assert.equal("replicas" in (one<V1Deployment>("Deployment").spec ?? {}), false)
  const { spec } = one<V2HorizontalPodAutoscaler>("HorizontalPodAutoscaler")
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
  assert.equal(environment({ env: ["CAPSTAN_WORKERS=7"] }).CAPSTAN_WORKERS, "7")
})

test("the grace covers the wait before, the longest request, and a margin", () => {
  const { spec } = pod({ preStopSeconds: "10" })
  const graceMs = Number(environment().CAPSTAN_DRAIN_GRACE_MS)
  assert.ok(graceMs > facts.deadlineMsMax)
  assert.ok((spec.terminationGracePeriodSeconds ?? 0) * 1000 > 10_000 + graceMs)
  const own = pod({ env: ["CAPSTAN_DRAIN_GRACE_MS=60000"] }).spec.terminationGracePeriodSeconds
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
  for (const { kind, metadata } of made()) {
    assert.ok(kind !== undefined && kind in plurals, String(kind))
    assert.equal(metadata?.labels?.["app.kubernetes.io/managed-by"], "capstan")
    assert.equal(metadata?.labels?.["app.kubernetes.io/name"], "prime-factors")
    assert.equal(metadata?.name, "prime-factors")
  }
  const { spec } = one<V1Deployment>("Deployment")
  const labels = spec?.template.metadata?.labels ?? {}
  for (const [key, value] of Object.entries(spec?.selector.matchLabels ?? {})) {
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
  const { spec } = one<V1Service>("Service", { expose: "NodePort" })
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

test("docs/kubernetes.md has every option, its default and its meaning", () => {
  const page = read("docs/kubernetes.md").replaceAll(/ +/g, " ")
  for (const [name, spec] of Object.entries<DeploymentOptionSpec>(deploymentTable)) {
    const row = `| \`${flag(name)}\` | ${spec.default ?? "–"} | ${spec.doc} |`
    assert.ok(page.includes(row), `${row} (${allowed(spec)})`)
  }
})
