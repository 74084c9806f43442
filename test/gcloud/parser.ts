/**
 * Every command line that `capstan gke` may run, shown to the real gcloud: `npm run test:gcloud`.
 *
 * gcloud reads the command line before it looks for a login, so without one it gets exactly as far as
 * this: what it can't read ends with 2, what it can with 1 and the advice to log in. It is given a
 * configuration of its own, empty; the user's is never seen, nothing is sent and nothing changed.
 *
 * It fails, and does not skip, where there is no gcloud: whoever runs it wants to know.
 */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { suite, test } from "node:test"
import { createPlan, nothing } from "../../src/kubernetes/gke/create.ts"
import { deletePlan, everything } from "../../src/kubernetes/gke/delete.ts"
import {
  deleteArgs,
  imageDeleteArgs,
  imagesArgs,
  kinds,
  listArgs,
} from "../../src/kubernetes/gke/leftovers.ts"
import { type Args, commandLine, type Plan } from "../../src/kubernetes/gke/step.ts"
import { questions } from "../../src/kubernetes/gke/survey.ts"
import { gkeDefaults, type Wish } from "../../src/kubernetes/gke/wish.ts"
import { TemporaryFolder } from "../support/cli.ts"

const autopilot: Wish = {
  ...gkeDefaults,
  cluster: "shop",
  registry: "images",
  project: "shop-project",
  location: "europe-west4",
}
const standard: Wish = { ...autopilot, mode: "standard", location: "europe-west4-a" }
const deletion = { kubeconfig: "unused", skipServices: false }

function argsOf(plan: Plan): readonly Args[] {
  assert.ok(plan.kind === "steps")
  return plan.steps.flatMap(({ action }) => (action.by === "gcloud" ? [action.args] : []))
}

const busy = {
  ...everything(autopilot),
  clusters: everything(autopilot).clusters.map((each) => ({ ...each, status: "STOPPING" })),
  operations: ["operation-1"],
}
const region = "projects/p/regions/europe-west4"
const zone = "projects/p/zones/europe-west4-a"

/** Where each kind of leftover can be. */
const places: Readonly<Record<string, readonly { region?: string; zone?: string }[]>> = {
  "forwarding-rules": [{ region }, {}],
  "target-pools": [{ region }],
  "backend-services": [{ region }, {}],
  "network-endpoint-groups": [{ zone }, { region }, {}],
  addresses: [{ region }, {}],
  disks: [{ zone }, { region }],
}

const json = (args: Args): Args => [...args, "--format=json"]

/** It needs no login and would be carried out: it is only asked for its help. */
const carriedOut = "components install"

const lines: readonly Args[] = [
  questions.account,
  questions.project,
  questions.enabled("shop-project"),
  questions.billing("shop-project"),
  json(questions.clusters("shop-project")),
  json(questions.registries(autopilot)),
  json(questions.operations(autopilot)),
  ...argsOf(createPlan(autopilot, { ...nothing, hasAuthPlugin: false })),
  ...argsOf(createPlan(standard, nothing)),
  ...argsOf(deletePlan(autopilot, everything(autopilot), deletion)),
  ...argsOf(deletePlan(autopilot, busy, deletion)),
  json(imagesArgs(autopilot)),
  imageDeleteArgs("europe-west4-docker.pkg.dev/shop-project/images/api@sha256:1"),
  ...kinds.flatMap((kind) => [
    json(listArgs(kind, "shop-project")),
    ...(places[kind.group] ?? []).map((at) =>
      deleteArgs(kind, { name: "a1", ...at }, "shop-project"),
    ),
  ]),
]
const different = new Map(lines.map((args) => [commandLine(args), args]))

/** The first in the PATH. */
const real = "gcloud"

interface Ended {
  readonly code: string | number | undefined
  readonly stderr: string
}

function gcloud(args: Args, home: string): Promise<Ended> {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    CLOUDSDK_CONFIG: `${home}/gcloud`,
    CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: "1",
    // Not even whether it runs at Google's, where there would be a login.
    CLOUDSDK_CORE_CHECK_GCE_METADATA: "0",
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: "1",
  }
  return new Promise((resolve) => {
    execFile(real, args, { env, timeout: 60_000 }, (error, _, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? undefined), stderr })
    })
  })
}

/** Whether gcloud could read it. The second wording is what a slip of its own makes of the first. */
function isRead({ code, stderr }: Ended): boolean {
  return (
    code === 0 ||
    (code === 1 && /not currently have an active account|NoActiveAccount/.test(stderr))
  )
}

test("there is a gcloud", async () => {
  using home = new TemporaryFolder()
  const { code, stderr } = await gcloud(["version"], home.path)
  assert.equal(
    code,
    0,
    `Install gcloud first: https://cloud.google.com/sdk/docs/install\n${stderr}`,
  )
})

suite("gcloud can read", { concurrency: 2 }, () => {
  for (const [line, args] of different) {
    test(line, async () => {
      using home = new TemporaryFolder()
      const shown = args.slice(0, 2).join(" ") === carriedOut ? [...args, "--help"] : args
      const ended = await gcloud(shown, home.path)
      assert.ok(isRead(ended), `${ended.code}: ${ended.stderr}`)
    })
  }
})

test("every kind of leftover is among them", () => {
  assert.deepEqual(
    kinds.map(({ group }) => group),
    Object.keys(places),
  )
})

test("this guard fires", async () => {
  using home = new TemporaryFolder()
  const create = ["container", "clusters", "create-auto", "shop"]
  const wrong = await gcloud([...create, "--locations=europe-west4"], home.path)
  assert.equal(wrong.code, 2)
  assert.ok(!isRead(wrong))
  assert.ok(!isRead(await gcloud(["compute", "disks", "delete", "a", "--global"], home.path)))
})
