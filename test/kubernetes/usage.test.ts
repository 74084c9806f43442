import assert from "node:assert/strict"
import { test } from "node:test"
import { deploymentOf } from "../../src/cli/deployment-flags.ts"
import type { DeploymentFlags } from "../../src/kubernetes/manifests/options.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { looksLikeProduction } from "../support/production.ts"
import { root } from "../support/repository.ts"

const module = `${root}examples/prime-factor/service.ts`
const fromSource = { node: ["--conditions=capstan-source"] }

async function refuses(args: readonly string[], code: number, says: RegExp): Promise<void> {
  const ran = await runCli(args, {
    ...fromSource,
    env: { KUBECONFIG: "/nowhere", HOME: "/nowhere" },
  })
  assert.equal(ran.code, code, ran.stderr)
  assert.match(ran.stderr, says)
  assert.doesNotMatch(ran.stderr, /bug/)
}

test("a deployment without an image is refused, and told where one comes from", async () => {
  await refuses(
    ["manifests", module],
    2,
    /Which image\? Name it with --image: .*capstan image --push/,
  )
})

/** Without a process for each: what a flag may be is decided before anything else happens. */
async function refusesOption(flags: DeploymentFlags, says: RegExp): Promise<void> {
  await assert.rejects(deploymentOf(module, { image: "a/b:1", ...flags }), says)
}

test("options that are not what they may be name flag, value and range", async () => {
  await refusesOption({ minReplicas: "0" }, /--min-replicas is "0"; .* from 1 to 1000/)
  await refusesOption({ cpu: "fast" }, /--cpu is "fast"; .*500m/)
  await refusesOption({ memory: "0" }, /--memory is "0"; .*512Mi/)
  await refusesOption({ expose: "Ingress" }, /--expose is "Ingress"; .*NodePort/)
  await refusesOption({ name: "My_API" }, /--name is "My_API"; .*lower-case/)
  await refusesOption({ maxReplicas: "1" }, /--min-replicas is 2 and --max-replicas 1/)
  await refusesOption({ cpuLimit: "100m" }, /--cpu-limit is 100m, less than --cpu, which is 500m/)
  await refusesOption({ env: ["A"] }, /--env is "A"; it must be NAME=value/)
  await refusesOption({ envFrom: ["x"] }, /--env-from is "x"; it must be secret\/NAME/)
  const deploy = ["deploy", module, "--image", "a/b:1", "--timeout", "soon"]
  await refuses(deploy, 2, /--timeout is "soon"; it must be 1 to 86400 seconds/)
})

test("a setting that the service would refuse is refused before anything is deployed", async () => {
  await refusesOption({ env: ["CAPSTAN_WORKER=2"] }, /no setting for .* CAPSTAN_WORKER;/)
  const port = /CAPSTAN_PORT: a deployment's ports are 8080 and 9090/
  await refusesOption({ env: ["CAPSTAN_PORT=80"] }, port)
})

test("without a kubeconfig it says so", async () => {
  await refuses(["down", "a"], 1, /kubeconfig can't be read: ENOENT/)
  await refuses(["deploy", module, "--image", "a/b:1"], 1, /kubectl config get-contexts/)
})

test("a module that can't be bundled is told by file and line", async () => {
  using folder = new TemporaryFolder()
  const source = `import { operation, service } from ${JSON.stringify(`${root}src/index.ts`)}
const run = async () => import("no-such-package")
export default service({ title: "A", version: "1", operations: { a: operation({ path: "/a", run }) } })
`
  const path = folder.write("service.ts", source)
  const args = ["image", path, "--eject", `${folder.path}/image`]
  await refuses(args, 1, /service\.ts:2: Could not resolve "no-such-package"/)
})

test("a folder whose app/ is somebody's own is not ejected into", async () => {
  await refuses(
    ["image", module, "--eject", `${root}test/fixtures/kubernetes/foreign`],
    2,
    /app is there/,
  )
})

test("tests refuse a cluster that looks like production", () => {
  const local = "https://127.0.0.1:6443"
  for (const context of ["prod", "acme-production", "live-eu", "gke_acme_europe-west1_main"]) {
    assert.equal(looksLikeProduction(context, local), true, context)
  }
  assert.equal(looksLikeProduction("mine", "https://x.gr7.eu-west-1.eks.amazonaws.com"), true)
  for (const context of ["minikube", "kind-kind", "product-demo", "docker-desktop"]) {
    assert.equal(looksLikeProduction(context, local), false, context)
  }
})
