/** `capstan gke` as a person runs it, with a gcloud that only plays along. */
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { PassThrough } from "node:stream"
import { suite, test } from "node:test"
import type { Failure } from "../../src/cli/failure.ts"
import { consent, explained, wished, withProject } from "../../src/cli/gke.ts"
import { createGke } from "../../src/cli/gke-create.ts"
import { Api } from "../../src/kubernetes/cluster/api.ts"
import { removeBalancers } from "../../src/kubernetes/gke/balancers.ts"
import { Gcloud, type GcloudError } from "../../src/kubernetes/gke/gcloud.ts"
import { survey } from "../../src/kubernetes/gke/survey.ts"
import { CliProcess, eventually, runCli } from "../support/cli.ts"
import {
  context,
  ourCluster,
  ourRegistry,
  project,
  StandInGcloud,
} from "../support/stand-in-gcloud.ts"

const create = ["gke", "create", "shop", "--location", "europe-west4"]
const remove = ["gke", "delete", "shop", "--location", "europe-west4"]
const prefix = `europe-west4-docker.pkg.dev/${project}/shop`
const place = { cluster: "shop", registry: "shop", project, location: "europe-west4" }
const quota =
  'ERROR: (gcloud.container.clusters.create-auto) ResponseError: code=403, message=Insufficient regional quota to satisfy request: resource "CPUS".\n'

suite("capstan gke", { concurrency: 2 }, () => {
  test("create shows each command before it runs, and prints where images go", async () => {
    await using gcloud = await StandInGcloud.start()
    const { code, stdout, stderr } = await runCli([...create, "--yes"], { env: gcloud.env })
    assert.equal(code, 0, stderr)
    assert.equal(stdout, `${prefix}\n`)
    const shown = stderr.split("\n").filter((line) => line.startsWith("$ gcloud "))
    const ran = gcloud.calls.filter((call) => call !== "--version")
    assert.deepEqual(
      shown.map((line) => line.slice("$ gcloud ".length).replaceAll("'", "")),
      ran,
    )
    assert.match(stderr, /about \$0\.10 an hour for the cluster, and what pods request/)
    assert.match(stderr, /Together about \$0\.10 an hour, \$73\.00 a month, and what is not known/)
    assert.match(
      stderr,
      new RegExp(`capstan gke delete shop --location europe-west4 --project ${project}`),
    )
  })

  test("create stops at a quota, says what to do, and goes on from there", async () => {
    await using gcloud = await StandInGcloud.start()
    gcloud.says("container clusters create*", { stderr: quota, code: 1 })
    const failed = await runCli([...create, "--yes"], { env: gcloud.env })
    assert.equal(failed.code, 1)
    assert.equal(failed.stdout, "")
    assert.match(
      failed.stderr,
      /quota does not allow it[\s\S]*"CPUS"[\s\S]*The same command goes on from there/,
    )
    assert.ok(!gcloud.calls.some((call) => call.includes("get-credentials")))

    gcloud.says("container clusters create*", {
      first: `printf '%s' '${JSON.stringify([ourCluster])}' > "$world/clusters"`,
    })
    const before = gcloud.changes.length
    const { code, stderr } = await runCli([...create, "--yes"], { env: gcloud.env })
    assert.equal(code, 0, stderr)
    assert.match(stderr, /The registry shop is there already/)
    assert.match(gcloud.changes[before] ?? "", /^container clusters create-auto shop /)
  })

  test("where nobody can be asked, nothing is changed without --yes", async () => {
    await using gcloud = await StandInGcloud.start()
    const created = await runCli(create, { env: gcloud.env })
    assert.equal(created.code, 2)
    assert.match(created.stderr, /nobody to ask: standard input is no terminal[\s\S]*--yes/)
    assert.deepEqual(gcloud.changes, [])
  })

  test("--dry-run runs nothing, and prints a script", async () => {
    await using gcloud = await StandInGcloud.start()
    const args = ["--dry-run", "--project", project]
    const created = await runCli([...create, ...args], { env: gcloud.env })
    assert.equal(created.code, 0, created.stderr)
    assert.match(created.stdout, /^# 1\. .*\n# costs nothing by itself\ngcloud services enable /)
    assert.match(created.stdout, /\ngcloud container clusters create-auto shop /)
    assert.deepEqual(gcloud.calls, [])
  })

  test("delete takes load balancers down first, and tells what still bills", async () => {
    await using gcloud = await StandInGcloud.start()
    gcloud.made()
    gcloud.cluster.services.set("shop/web", "LoadBalancer").set("shop/db", "ClusterIP")
    gcloud.cluster.gateways.add("edge/main")
    const region = "https://www.googleapis.com/compute/v1/projects/p/regions/europe-west4"
    const zone = "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west4-a"
    gcloud.says("compute forwarding-rules list *", {
      stdout: JSON.stringify([
        { name: "a1", region, description: '{"kubernetes.io/service-name":"shop/web"}' },
        { name: "mine", region, description: "by hand" },
      ]),
    })
    const labels = { "goog-k8s-cluster-name": "shop" }
    gcloud.says("compute disks list *", {
      stdout: JSON.stringify([
        { name: "pvc-1", zone, labels, sizeGb: "20" },
        { name: "boot", zone, labels, sizeGb: "100", users: ["a machine"] },
      ]),
    })
    let callsByThen: readonly string[] = []
    gcloud.cluster.heard = () => {
      callsByThen = gcloud.changes
    }
    const { code, stdout, stderr } = await runCli([...remove, "--yes"], { env: gcloud.env })
    assert.equal(code, 1, stderr)
    assert.deepEqual(gcloud.cluster.deleted.toSorted(), ["gateways edge/main", "services shop/web"])
    assert.equal(callsByThen.length, 1, "only the credentials were got before")
    assert.deepEqual(
      gcloud.changes.map((call) => call.split(" ").slice(0, 3).join(" ")),
      [
        "container clusters get-credentials",
        "container clusters delete",
        "artifacts repositories delete",
      ],
    )
    assert.equal(
      stdout,
      `remains: forwarding rule a1, europe-west4 ($0.025 an hour, up to five of a project together)
  gcloud compute forwarding-rules delete a1 --region=europe-west4 --project=${project}
remains: disk pvc-1, europe-west4-a (about $0.003 an hour for 20 GB, were it balanced; its data goes with it)
  gcloud compute disks delete pvc-1 --zone=europe-west4-a --project=${project}
`,
    )
    assert.ok(!existsSync(gcloud.env.KUBECONFIG ?? ""), "the user's kubeconfig is left alone")
  })

  test("delete lists nothing that another cluster may need, and leaves a registry that is not its own", async () => {
    await using gcloud = await StandInGcloud.start()
    gcloud.made()
    const other = { ...ourCluster, name: "bank", resourceLabels: {} }
    gcloud.list("clusters", [other])
    gcloud.list("repositories", [{ ...ourRegistry, labels: {} }])
    gcloud.list("images", [{ package: `${prefix}/api`, version: "sha256:1" }])
    gcloud.says("compute forwarding-rules list *", {
      stdout: JSON.stringify([{ name: "a1", description: '{"kubernetes.io/service-name":"x/y"}' }]),
    })
    const { code, stdout, stderr } = await runCli(remove, { env: gcloud.env })
    assert.equal(code, 0, stderr)
    assert.equal(stdout, "nothing remains\n")
    assert.match(stderr, /1 things? .*The project still has bank/)
    assert.match(stderr, /registry shop stays, with 1 image/)
    assert.match(
      stderr,
      new RegExp(`gcloud artifacts docker images delete ${prefix}/api@sha256:1 --delete-tags`),
    )
    assert.deepEqual(gcloud.changes, [])
  })

  test("a cluster that can't be asked is kept, since its load balancers would stay", async () => {
    await using gcloud = await StandInGcloud.start()
    gcloud.made()
    await gcloud.cluster[Symbol.asyncDispose]()
    const { code, stderr } = await runCli([...remove, "--yes"], { env: gcloud.env })
    assert.equal(code, 1)
    assert.match(stderr, /can't be asked to take its load balancers down[\s\S]*--skip-services/)
    assert.ok(!gcloud.calls.some((call) => call.startsWith("container clusters delete")))
  })

  test("interrupted, it says what goes on without it", async () => {
    await using gcloud = await StandInGcloud.start()
    // Ends when it is told to, as gcloud does.
    gcloud.says("container clusters create*", {
      first: "trap 'exit 130' INT; while :; do /bin/sleep 0.01; done",
    })
    await using cli = new CliProcess([...create, "--yes"], { env: gcloud.env })
    await eventually(() => gcloud.calls.find((call) => call.includes("create-auto")), "the call")
    cli.child.kill("SIGINT")
    const { code } = await cli.ended
    assert.equal(code, 1)
    assert.match(
      cli.stderr,
      /Interrupted\. What Google has begun goes on[\s\S]*this removes it:\n\s+capstan gke delete shop/,
    )
  })
})

test("the command line is checked before gcloud is asked", async () => {
  const refuses = (flags: Parameters<typeof wished>[1], said: RegExp) =>
    assert.throws(
      () => wished("shop", flags),
      (error: Failure) => error.exitCode === 2 && said.test(error.message),
    )
  refuses({}, /^Where\? Give --location/)
  refuses({ location: "europe-west4-a" }, /Autopilot clusters are regional/)
  refuses({ location: "europe-west4", dryRun: true }, /--project ID/)
  await assert.rejects(
    createGke("shop", { location: "europe-west4", minNodes: 2 }),
    (error: Failure) => error.exitCode === 2 && /are for --mode standard/.test(error.message),
  )
  const { registry, mode } = wished("shop", { location: "europe-west4" })
  assert.deepEqual({ registry, mode }, { registry: "shop", mode: "autopilot" })
})

/** In this process, for what needs no command line. */
function asking(gcloud: StandInGcloud): Gcloud {
  return new Gcloud({
    before: () => {},
    said: () => {},
    signal: new AbortController().signal,
    env: gcloud.env,
  })
}

test("the project is gcloud's, or has to be said", async () => {
  await using gcloud = await StandInGcloud.start()
  const wish = wished("shop", { location: "europe-west4" })
  assert.equal((await withProject(asking(gcloud), wish)).project, project)
  const said = wished("shop", { location: "europe-west4", project: "another-project" })
  assert.equal((await withProject(asking(gcloud), said)).project, "another-project")
  gcloud.says("config get project", { stderr: "(unset)\n" })
  await assert.rejects(withProject(asking(gcloud), wish), /In which project\?/)
})

test("the survey finds what is there, half-done things too", async () => {
  await using gcloud = await StandInGcloud.start()
  const before = await survey(asking(gcloud), place)
  assert.deepEqual(
    { ...before, enabled: before.enabled.has("container.googleapis.com") },
    {
      account: "me@example.com",
      hasBilling: true,
      enabled: false,
      clusters: [],
      registry: undefined,
      operations: [],
      hasAuthPlugin: true,
    },
  )
  gcloud.made()
  gcloud.list("clusters", [{ ...ourCluster, status: "PROVISIONING" }])
  const target = "https://container.googleapis.com/v1/projects/1/locations/europe-west4/clusters"
  gcloud.list("operations", [
    { name: "operation-1", status: "RUNNING", targetLink: `${target}/shop` },
    { name: "operation-2", status: "DONE", targetLink: `${target}/shop` },
    { name: "operation-3", status: "RUNNING", targetLink: `${target}/shop-2` },
  ])
  gcloud.says("billing projects describe *", { stderr: "ERROR: PERMISSION_DENIED\n", code: 1 })
  gcloud.uninstall("gke-gcloud-auth-plugin")
  const half = await survey(asking(gcloud), place)
  assert.deepEqual(half.operations, ["operation-1"])
  assert.equal(half.registry?.name, ourRegistry.name)
  assert.equal(half.hasBilling, undefined)
  assert.equal(half.hasAuthPlugin, false)
})

test("a login that is missing or has expired ends the survey, an API that is off does not", async () => {
  await using gcloud = await StandInGcloud.start()
  gcloud.made()
  const off = "ERROR: code=403, message=Kubernetes Engine API has not been used in project 1\n"
  gcloud.says("container clusters list *", { stderr: off, code: 1 })
  assert.deepEqual((await survey(asking(gcloud), place)).clusters, [])
  const failsWith = async (said: RegExp) =>
    await assert.rejects(survey(asking(gcloud), place), (error: GcloudError) =>
      said.test(error.said),
    )
  const expired = "ERROR: There was a problem refreshing your current auth tokens\n"
  gcloud.says("services list *", { stderr: expired, code: 1 })
  await failsWith(/refreshing your current auth tokens/)
  gcloud.says("auth list *", {})
  await failsWith(/active account/)
})

test("without gcloud it says how to get it", async () => {
  await using gcloud = await StandInGcloud.start()
  gcloud.uninstall("gcloud")
  await assert.rejects(
    explained(place, "", async () => await survey(asking(gcloud), place)),
    ({ message, hint = "" }: Failure) =>
      /There is no gcloud here/.test(message) && /cloud\.google\.com\/sdk/.test(hint),
  )
})

test("load balancers that don't go are named when patience ends", async () => {
  await using gcloud = await StandInGcloud.start()
  gcloud.cluster.services.set("shop/web", "LoadBalancer").set("shop/old", "LoadBalancer")
  gcloud.cluster.stuck.add("shop/old")
  await asking(gcloud).step(["container", "clusters", "get-credentials", "shop"])
  const said: string[] = []
  const left = await removeBalancers(new Api(context, gcloud.env), {
    patienceMs: 1,
    said: (title) => said.push(title),
    signal: new AbortController().signal,
  })
  assert.deepEqual(said.toSorted(), ["Service shop/old", "Service shop/web"])
  assert.deepEqual(
    left.map(({ title }) => title),
    ["Service shop/old"],
  )
})

test("consent is what was asked for, typed at a terminal", async () => {
  const ask = async (typed: string | undefined, wanted: string) => {
    const input = Object.assign(new PassThrough(), { isTTY: true })
    const asked = consent("Sure?", wanted, false, new AbortController().signal, {
      input,
      output: new PassThrough(),
    })
    if (typed === undefined) input.end()
    else input.write(`${typed}\n`)
    await asked
  }
  await ask("y", "y")
  await ask("Y", "y")
  await ask("shop", "shop")
  for (const typed of ["", "n", "yes, please", undefined]) {
    await assert.rejects(ask(typed, "y"), /Nothing was changed/)
  }
  await assert.rejects(ask("y", "shop"), /Nothing was changed/)
})
