import assert from "node:assert/strict"
import { test } from "node:test"
import { nodesTooOld, tooOldFor, versionFor } from "../../src/kubernetes/cluster/versions.ts"
import { manifests } from "../../src/kubernetes/manifests/objects.ts"
import { resolveDeployment } from "../../src/kubernetes/manifests/options.ts"
import { flag } from "../../src/service/settings.ts"
import { read } from "../support/repository.ts"
import { node } from "../support/stand-in-cluster.ts"

const facts = { name: "a", version: "1", deadlineMsMax: 1000 }

function made(values: Record<string, unknown> = {}) {
  const options = resolveDeployment(facts, [{ values, spelt: flag }])
  return manifests({ ...options, image: "a:1" })
}

test("a cluster that lacks what the manifests have is told by version, field and the way out", () => {
  for (const version of ["v1.29.14", "v1.29.3-eks-a1b2c3", "v1.29.0+k3s1"]) {
    const said = tooOldFor(made(), version) ?? ""
    assert.ok(said.startsWith(`The cluster is Kubernetes ${version}, and this needs 1.30 or later`))
    assert.match(
      said,
      /for lifecycle\.preStop\.sleep \(1\.30\)\. .*--pre-stop-seconds 0 does without/,
    )
  }
  const old = tooOldFor(made(), "v1.26.15") ?? ""
  for (const field of ["sleep (1.30)", "matchLabelKeys (1.27)", "EvictionPolicy (1.27)"]) {
    assert.ok(old.includes(field), old)
  }
  assert.doesNotMatch(old, /Or:/, "that alone would not help")
})

test("a cluster that has it all is not complained of, nor one whose version can't be read", () => {
  for (const version of ["v1.30.0", "v1.30.2-gke.1587003", "v1.37.1", "1.30", "v2.0.0", ""]) {
    assert.equal(tooOldFor(made(), version), undefined, version)
  }
})

test("without a wait before a replica ends, an older cluster will do", () => {
  const objects = made({ preStopSeconds: 0 })
  assert.equal(versionFor(objects), "1.27")
  assert.equal(tooOldFor(objects, "v1.27.0"), undefined)
})

test("nodes that are behind their server are named, since it is they who wait", () => {
  const at = (name: string, kubeletVersion: string) => {
    const { status, ...rest } = node(name, "1", "1Gi")
    return { ...rest, status: { ...status, nodeInfo: { ...status.nodeInfo, kubeletVersion } } }
  }
  const nodes = [at("new", "v1.31.0"), at("old", "v1.29.1"), node("silent", "1", "1Gi")]
  assert.match(nodesTooOld(nodes, 5) ?? "", /too old to wait .*: old \(v1\.29\.1\)\. Requests/)
  assert.equal(nodesTooOld(nodes, 0), undefined)
  assert.equal(nodesTooOld(nodes.slice(0, 1), 5), undefined)
})

test("the documentation says the versions that are looked for", () => {
  const page = read("docs/kubernetes.md")
  assert.ok(page.includes(`${versionFor(made())} or later`))
  assert.ok(
    page.includes(`${versionFor(made({ preStopSeconds: 0 }))} with \`--pre-stop-seconds 0\``),
  )
  assert.ok(read("docs/tutorial.md").includes(`Kubernetes ${versionFor(made())} or later`))
})
