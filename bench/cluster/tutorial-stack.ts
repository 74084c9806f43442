/**
 * The stack of the tutorial that Capstan began from, on the same work: FastAPI behind uvicorn in one
 * process, a Deployment without probes, a Service, and a HorizontalPodAutoscaler of autoscaling/v1
 * with a target of 50 % and no behaviour. The application is the one that all other benches measure
 * FastAPI by, with uvloop and httptools, which the tutorial has not.
 *
 * Two things differ from the tutorial: the Service has a port of the node instead of a cloud's load
 * balancer, and the pods say that they are not root, without which the namespace refuses them.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { addressOf } from "../../src/kubernetes/cluster/address.ts"
import { collection } from "../../src/kubernetes/cluster/resources.ts"
import { type Builder, buildImage, findBuilder } from "../../src/kubernetes/image/builder.ts"
import { pushImage } from "../../src/kubernetes/image/transport.ts"
import type { Deployment } from "../../src/kubernetes/kinds.ts"
import { root, run } from "../harness.ts"
import { type Place, size } from "./place.ts"

export const tutorialName = "tutorial"

/** Of the base image; wheels are made for one minor version. */
const python = "3.11"
const peer = join(root, "bench/peers/fastapi")
const venv = join(root, "bench/.venv")
const readyMsMax = 120_000

/** Builds and pushes it; resolves to its name by digest. */
export async function tutorialImage(place: Place): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "bench-tutorial-"))
  try {
    const app = join(folder, "app")
    mkdirSync(app)
    for (const file of ["main.py", "work.py"]) cpSync(join(peer, file), join(app, file))
    cpSync(join(root, "bench/cluster/tutorial/Dockerfile"), join(folder, "Dockerfile"))
    if (!existsSync(join(venv, "bin/pip"))) await run("python3", ["-m", "venv", venv])
    const arch = process.arch === "arm64" ? "aarch64" : "x86_64"
    await run(join(venv, "bin/pip"), [
      ...["install", "--quiet", "--disable-pip-version-check", "--target", app],
      ...["--only-binary", ":all:", "--python-version", python, "--implementation", "cp"],
      ...["2014", "_2_17", "_2_28"].flatMap((it) => ["--platform", `manylinux${it}_${arch}`]),
      ...["--requirement", join(peer, "requirements.txt")],
    ])
    const wanted = process.env.TEST_BUILDER as Builder | undefined
    const at = { folder, signal: new AbortController().signal }
    const builder = await findBuilder(at.signal, wanted === undefined ? undefined : [wanted])
    if (builder === undefined) throw new Error("None of docker, podman and buildah works here.")
    const platform = process.arch === "arm64" ? "linux/arm64" : "linux/amd64"
    const folders = new Map([[platform, folder] as const])
    const tag = place.tag(tutorialName)
    return await pushImage(await buildImage({ builder, tag, format: "oci", folders }, at), at)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Deploys it and waits until it answers; resolves to its URL. */
export async function deployTutorial(
  { api, namespace }: Place,
  image: string,
  cpuLimit: string | undefined,
): Promise<string> {
  for (const [version, plural, body] of [
    ["v1", "services", serviceObject],
    ["apps/v1", "deployments", deploymentObject(image, cpuLimit)],
    ["autoscaling/v1", "horizontalpodautoscalers", autoscalerObject],
  ] as const) {
    await api.json(collection(version, plural, namespace), { method: "POST", body })
  }
  const path = `${collection("apps/v1", "deployments", namespace)}/${tutorialName}`
  const endMs = performance.now() + readyMsMax
  for (;;) {
    const { status } = await api.json<Deployment>(path)
    if (status?.readyReplicas === 1) break
    if (performance.now() > endMs) throw new Error(`${tutorialName} is not up: ${status}`)
    await sleep(500)
  }
  const address = await addressOf(api, namespace, tutorialName, readyMsMax, () => {})
  if (address.kind !== "url") throw new Error(`${tutorialName} has no address: ${address.kind}.`)
  // It has no probe: it counts as ready while Python is still importing.
  while (!(await answers(address.url))) {
    if (performance.now() > endMs) throw new Error(`${address.url} does not answer.`)
    await sleep(500)
  }
  return address.url
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ping`, { headers: { connection: "close" } })).ok
  } catch {
    return false
  }
}

const labels = { app: tutorialName }
const metadata = { name: tutorialName, labels }

const serviceObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata,
  spec: {
    type: "NodePort",
    selector: labels,
    ports: [{ protocol: "TCP", port: 8080, targetPort: 8080 }],
  },
}

function deploymentObject(image: string, cpuLimit: string | undefined) {
  const resources = {
    requests: { cpu: size.cpu },
    ...(cpuLimit === undefined ? {} : { limits: { cpu: cpuLimit } }),
  }
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1000,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [
            {
              name: tutorialName,
              image,
              ports: [{ containerPort: 8080 }],
              // What the benches' application asks for; the operation that needs it is not called.
              env: [{ name: "BENCH_SPIN_ITERATIONS_PYTHON", value: "1" }],
              resources,
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      },
    },
  }
}

const autoscalerObject = {
  apiVersion: "autoscaling/v1",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: tutorialName },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: tutorialName },
    minReplicas: size.minReplicas,
    maxReplicas: size.maxReplicas,
    targetCPUUtilizationPercentage: size.targetCpu,
  },
}
