/**
 * As much of a Kubernetes API server as `capstan down` and the preflight see of one: discovery, lists
 * by label, deletion, and what is owned going with its owner.
 */
import { createServer, type IncomingMessage, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { KubernetesObject } from "@kubernetes/client-node"
import { TemporaryFolder } from "./cli.ts"

/** Plurals and kinds, by API. */
const kinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1: { services: "Service", pods: "Pod", secrets: "Secret" },
  "apps/v1": { deployments: "Deployment", replicasets: "ReplicaSet" },
  "autoscaling/v2": { horizontalpodautoscalers: "HorizontalPodAutoscaler" },
}

export class StandInCluster implements AsyncDisposable {
  readonly objects: KubernetesObject[] = []
  /** `Kind/name`, in the order in which they were asked to go. */
  readonly deleted: string[] = []
  /** Kinds of which nothing ever goes, as with a finalizer that nobody takes away. */
  readonly stuck = new Set<string>()
  /** Status to answer every request with. */
  refuses: number | undefined
  readonly #server: Server
  readonly #folder = new TemporaryFolder()
  kubeconfig = ""

  private constructor() {
    this.#server = createServer((request, response) => {
      const { status, body } = this.#answer(request)
      request.resume()
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    })
  }

  static async start(): Promise<StandInCluster> {
    const cluster = new StandInCluster()
    const server = cluster.#server
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    cluster.kubeconfig = cluster.#folder.write(
      "kubeconfig",
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "stand-in",
        clusters: [
          {
            name: "stand-in",
            cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
          },
        ],
        users: [{ name: "someone", user: {} }],
        contexts: [{ name: "stand-in", context: { cluster: "stand-in", user: "someone" } }],
      }),
    )
    return cluster
  }

  add(kind: string, name: string, more: { labels?: Record<string, string>; owner?: string } = {}) {
    const labels = more.labels ?? {
      "app.kubernetes.io/name": "a",
      "app.kubernetes.io/managed-by": "capstan",
    }
    const owner = more.owner?.split("/")
    this.objects.push({
      kind,
      metadata: {
        name,
        uid: `${kind}/${name}`,
        labels,
        ...(owner === undefined
          ? {}
          : {
              ownerReferences: [
                {
                  kind: owner[0] ?? "",
                  name: owner[1] ?? "",
                  uid: more.owner ?? "",
                  apiVersion: "v1",
                },
              ],
            }),
      },
    })
  }

  #answer({ method, url = "" }: IncomingMessage): { status: number; body: unknown } {
    const { pathname, searchParams } = new URL(url, "http://stand-in")
    if (this.refuses !== undefined) {
      return {
        status: this.refuses,
        body: { reason: "Forbidden", message: 'User "someone" cannot do this' },
      }
    }
    if (pathname === "/apis") {
      const groups = Object.keys(kinds)
        .filter((version) => version.includes("/"))
        .map((groupVersion) => ({ preferredVersion: { groupVersion }, versions: [] }))
      return { status: 200, body: { groups } }
    }
    const [, version = "", , , plural, name] =
      /^\/apis?\/((?:[a-z]+\/)?v\d)(\/(namespaces\/default)\/([a-z]+)(?:\/(.+))?)?$/.exec(
        pathname,
      ) ?? []
    const plurals = kinds[version]
    if (plurals === undefined) return { status: 404, body: { reason: "NotFound" } }
    if (plural === undefined) {
      const resources = Object.entries(plurals).map(([plural, kind]) => ({
        name: plural,
        kind,
        namespaced: true,
        verbs: ["list", "delete"],
      }))
      return { status: 200, body: { resources } }
    }
    const kind = plurals[plural] ?? ""
    if (method === "DELETE") {
      this.deleted.push(`${kind}/${name}`)
      if (!this.stuck.has(kind)) this.#remove(`${kind}/${name}`)
      return { status: 200, body: {} }
    }
    const wanted = (searchParams.get("labelSelector") ?? "")
      .split(",")
      .map((pair) => pair.split("="))
    const items = this.objects.filter(
      (each) =>
        each.kind === kind &&
        wanted.every(([key = "", value]) => each.metadata?.labels?.[key] === value),
    )
    return { status: 200, body: { items } }
  }

  #remove(uid: string): void {
    const index = this.objects.findIndex(({ metadata }) => metadata?.uid === uid)
    if (index >= 0) this.objects.splice(index, 1)
    for (const { metadata } of [...this.objects]) {
      const isOwned = metadata?.ownerReferences?.some((owner) => owner.uid === uid)
      if (isOwned) this.#remove(metadata?.uid ?? "")
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    this.#folder[Symbol.dispose]()
  }
}
