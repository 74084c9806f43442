import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { test } from "node:test"
import { Command } from "commander"
import {
  addConfigFlags,
  addDeploymentFlags,
  addImageFlags,
  describe,
  givenOptions,
} from "../../src/cli/deployment-flags.ts"
import { placeOf } from "../../src/cli/deployment-place.ts"
import { isNamespace } from "../../src/kubernetes/name.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { looksLikeProduction } from "../support/production.ts"
import { root } from "../support/repository.ts"
import { StandInPrograms } from "../support/stand-in-programs.ts"

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
async function refusesFlags(flags: readonly string[], says: RegExp): Promise<void> {
  const command = new Command()
  addDeploymentFlags(command, "")
  addImageFlags(command)
  addConfigFlags(command)
  command.parse(flags, { from: "user" })
  await assert.rejects(async () => describe(module, givenOptions(command)), says)
}

test("options that are not what they may be name flag, value and range", async () => {
  await refusesFlags(["--min-replicas", "0"], /--min-replicas is 0; .* from 1 to 1000/)
  await refusesFlags(["--min-replicas", "two"], /--min-replicas is "two"; .* from 1 to 1000/)
  await refusesFlags(["--cpu", "fast"], /--cpu is "fast"; .*500m/)
  await refusesFlags(["--memory", "0"], /--memory is "0"; .*512Mi/)
  await refusesFlags(["--expose", "Ingress"], /--expose is "Ingress"; .*NodePort/)
  await refusesFlags(["--name", "My_API"], /--name is "My_API"; .*lower-case/)
  // A Service could not be called that before Kubernetes 1.36.
  await refusesFlags(["--name", "2048"], /--name is "2048"; .*beginning with a letter/)
  await refusesFlags(["--namespace", "a.b"], /--namespace is "a\.b"; .*digit, 63 at most/)
  await refusesFlags(["--env-from", "secret/A"], /--env-from: no secret .* can be called "A"/)
  await refusesFlags(
    ["--max-replicas", "1"],
    /at most: the default of minReplicas is 2, and --max-replicas is 1\./,
  )
  await refusesFlags(
    ["--cpu-limit", "100m"],
    /--cpu-limit is 100m, less than the default of cpu, .* 500m/,
  )
  await refusesFlags(["--env", "A"], /--env is "A"; it must be NAME=value/)
  await refusesFlags(["--env", "A B=1"], /--env A B: an environment variable can't/)
  await refusesFlags(["--env-from", "x"], /--env-from is "x"; it must be secret\/NAME/)
  await refusesFlags(["--label", "team=-x"], /--label team is "-x"; a label's value has/)
  await refusesFlags(
    ["--service-annotation", "a/b/c=1"],
    /--service-annotation a\/b\/c: it must be/,
  )
  await refusesFlags(["--gateway", "A/b/c"], /--gateway is "A\/b\/c"; .*namespace\/name/)
  await refusesFlags(["--gateway", "a.b/c"], /--gateway is "a\.b\/c"; .*namespace\/name/)
  await refusesFlags(["--hostname", "a.example"], /--hostname is a\.example, and no Gateway/)
  await refusesFlags(["--platform", "linux/amd64,sparc"], /--platform is .*"sparc".*linux\/arm64/)
  await refusesFlags(["--builder", "kaniko"], /--builder is "kaniko"; .*buildah/)
  await refusesFlags(["--volume", "/m"], /--volume is "\/m"; it must be path=source/)
  await refusesFlags(
    ["--volume", "m=emptydir/1Gi"],
    /--volume m: .* an absolute path like \/models/,
  )
  for (const path of ["/a/../b", "/a/", "/a:b", "//a", "/./a"]) {
    await refusesFlags(["--volume", `${path}=emptydir/1Gi`], /an absolute path like \/models/)
  }
  for (const path of ["/", "/app", "/etc", "/proc/self", "/usr/local/bin"]) {
    await refusesFlags(
      ["--volume", `${path}=emptydir/1Gi`],
      /nothing can be mounted at .* \/models/,
    )
  }
  await refusesFlags(
    ["--volume", "/m=disk/a"],
    /--volume \/m is "disk\/a"; it must be emptydir\/SIZE, claim\/NAME, configmap\/NAME or secret\/NAME/,
  )
  await refusesFlags(["--volume", "/m=emptydir/much"], /size of an emptydir .* 512Mi or 2Gi/)
  await refusesFlags(["--volume", "/m=claim/A"], /no claim can be called "A"/)
  await refusesFlags(
    ["--init-env", "A=1"],
    /--init-command is left out, and so is --init-image: .* Name the command/,
  )
  await refusesFlags(
    ["--init-image", "a:1", "--init-mount", "/m"],
    /--init-mount is "\/m", and no volume is mounted there; there are none/,
  )
  await refusesFlags(["--resource", "cpu=1"], /--resource cpu: .* extended resource/)
  for (const count of ["0", "1.5", "two", ""]) {
    await refusesFlags(
      ["--resource", `nvidia.com/gpu=${count}`],
      /--resource nvidia\.com\/gpu is .*; it must be a whole number from 1 to 1000/,
    )
  }
  await refusesFlags(["--node-selector", "a=-"], /--node-selector a is "-"; a label's value has/)
  await refusesFlags(["--toleration", "a:Never"], /--toleration is "a:Never"; .*NoExecute/)
  const deploy = ["deploy", module, "--image", "a/b:1", "--timeout", "soon"]
  await refuses(deploy, 2, /--timeout is "soon"; it must be 1 to 86400 seconds/)
})

test("names are refused where Kubernetes refuses them, and nowhere else", async () => {
  for (const name of ["2024-shop", "7", "a", `1${"b".repeat(62)}`]) {
    assert.ok(isNamespace(name), name)
    assert.equal((await placeOf("a", { namespace: name })).namespace, name)
  }
  for (const name of ["", "-a", "a-", "A", "a.b", "a_b", "a".repeat(64)]) {
    assert.equal(isNamespace(name), false, name)
  }
  // What others have deployed may be called as Capstan calls nothing.
  for (const name of ["2048", "shop.v1", "a.b-c.0"]) {
    assert.equal((await placeOf(name, {}, "anybody's")).name, name)
    await assert.rejects(placeOf(name, {}), /no deployment's name|There is no file/)
  }
  await assert.rejects(placeOf("A", {}, "anybody's"), /"A" is no deployment's name: .* 253 at most/)
  await assert.rejects(placeOf("gone.ts", {}, "anybody's"), /There is no file gone\.ts/)
})

test("a setting that the service would refuse is refused before anything is deployed", async () => {
  await refusesFlags(["--env", "CAPSTAN_WORKER=2"], /no setting for .* CAPSTAN_WORKER;/)
  const port = /CAPSTAN_PORT: a deployment's ports are 8080 and 9090/
  await refusesFlags(["--env", "CAPSTAN_PORT=80"], port)
})

test("without a kubeconfig it says so", async () => {
  await refuses(["down", "a"], 1, /There is no kubeconfig: nothing in \/nowhere/)
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
  // Nothing is left that the next run would take for somebody's.
  await refuses(args, 1, /service\.ts:2: Could not resolve "no-such-package"/)
  assert.deepEqual(readdirSync(`${folder.path}/image`), [])
})

test("a package that npm can't get is told in npm's words, and is no bug", async () => {
  using folder = new TemporaryFolder()
  using programs = new StandInPrograms({ npm: 'console.error("E404"); process.exitCode = 1' })
  const { code, stderr } = await runCli(
    ["image", `${root}examples/thumbnail/service.ts`, "--eject", `${folder.path}/image`],
    { ...fromSource, env: { PATH: programs.path } },
  )
  assert.equal(code, 1)
  assert.match(stderr, /^capstan: sharp [^\n]+ can't be fetched\.\n +E404\n$/)
})

test("flags that would do nothing are refused", async () => {
  const rollback = ["deploy", "a", "--rollback", "--memory", "1Gi"]
  await refuses(rollback, 2, /--memory has no meaning with --rollback/)
  await refuses(
    ["image", module, "--eject", "x", "--push"],
    2,
    /--push has no meaning with --eject/,
  )
})

test("a folder whose app/ is somebody's own is not ejected into, whatever is in it", async () => {
  using folder = new TemporaryFolder()
  mkdirSync(`${folder.path}/app`)
  for (const name of ["notes.txt", "server.js"]) {
    folder.write(`app/${name}`, "// mine\n")
    await refuses(["image", module, "--eject", folder.path], 2, /app is there/)
    assert.equal(readFileSync(`${folder.path}/app/${name}`, "utf8"), "// mine\n")
  }
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
