/**
 * As much of a Kubernetes API server as the commands see of one: discovery, objects by path, lists by
 * label, server-side apply, deletion with what is owned, and ports of pods. A Deployment that is
 * applied is rolled out at once, or never where `rolls` is false.
 */
import { createServer, type IncomingMessage, type Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { WebSocketServer } from "ws"
import type { Deployment, KubernetesObject } from "../../src/kubernetes/kinds.ts"
import { TemporaryFolder } from "./cli.ts"

/** Plurals and kinds, by API. */
const kinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1: {
    services: "Service",
    endpoints: "Endpoints",
    pods: "Pod",
    secrets: "Secret",
    configmaps: "ConfigMap",
    persistentvolumeclaims: "PersistentVolumeClaim",
    serviceaccounts: "ServiceAccount",
    resourcequotas: "ResourceQuota",
    limitranges: "LimitRange",
    events: "Event",
  },
  "apps/v1": { deployments: "Deployment", replicasets: "ReplicaSet" },
  "autoscaling/v2": { horizontalpodautoscalers: "HorizontalPodAutoscaler" },
  "policy/v1": { poddisruptionbudgets: "PodDisruptionBudget" },
  "networking.k8s.io/v1": { networkpolicies: "NetworkPolicy" },
}

/** What it has besides, where somebody has installed it. */
const gatewayApi = {
  "gateway.networking.k8s.io/v1": { httproutes: "HTTPRoute", gateways: "Gateway" },
}

/** Which discovery does not tell of: metrics are read, and never deleted. */
const measured = { "metrics.k8s.io/v1beta1": { pods: "PodMetrics" } }

interface Answer {
  readonly status: number
  readonly body: unknown
}

const notFound: Answer = { status: 404, body: { reason: "NotFound" } }
const revision = "deployment.kubernetes.io/revision"

export class StandInCluster implements AsyncDisposable {
  readonly objects: KubernetesObject[] = []
  /** Of the whole cluster: one node, roomy unless a test says otherwise. */
  nodes: KubernetesObject[] = []
  /** `Kind/name`, in the order in which they were asked to go. */
  readonly deleted: string[] = []
  /** `Kind/name` of what was applied for good, in order. */
  readonly applied: string[] = []
  /** Kinds of which nothing ever goes, as with a finalizer that nobody takes away. */
  readonly stuck = new Set<string>()
  /** Kinds that may not be listed. */
  readonly hidden = new Set<string>()
  /** Where a pod's port leads, by the pod's name. */
  readonly podPorts = new Map<string, number>()
  /** What a pod has written to its log, by the pod's name. A log that is followed does not end. */
  readonly logs = new Map<string, string>()
  /** Who has set which fields otherwise, by kind: `["kubectl-edit", ".spec.paused"]`. */
  readonly conflicts = new Map<string, readonly (readonly [owner: string, field: string])[]>()
  version = "v1.35.0"
  hasGateways = false
  /** Pings that it has had from those who hold a port of a pod. */
  pings = 0
  /** Status to answer every request with. */
  refuses: number | undefined
  /** What it says then. */
  refusal = 'User "someone" cannot do this'
  /** Every connection is cut. */
  isAway = false
  /** Requests that were cut off because of it. */
  turnedAway = 0
  rolls = true
  readonly #server: Server
  readonly #folder = new TemporaryFolder()
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: () => "v4.channel.k8s.io",
  })
  kubeconfig = ""

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let text = ""
      for await (const chunk of request.setEncoding("utf8")) text += chunk
      if (this.isAway) {
        this.turnedAway += 1
        request.socket.destroy()
        return
      }
      const log = this.logs.get(/\/pods\/([^/]+)\/log\?/.exec(request.url ?? "")?.[1] ?? "")
      if (log !== undefined) {
        response.write(log)
        return
      }
      const { status, body } = this.#answer(request, text === "" ? undefined : JSON.parse(text))
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    })
    this.#server.on("upgrade", (request: IncomingMessage, socket, head) => {
      const pod = /\/pods\/([^/]+)\/portforward/.exec(request.url ?? "")?.[1] ?? ""
      const port = this.podPorts.get(pod)
      if (port === undefined) {
        socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        return
      }
      this.#sockets.handleUpgrade(request, socket, head, (channel) => {
        for (const number of [0, 1]) channel.send(Buffer.from([number, 0, 0]))
        const target = connect(port, "127.0.0.1")
        target.on("data", (data: Buffer) => channel.send(Buffer.concat([Buffer.from([0]), data])))
        target.on("close", () => channel.close())
        target.on("error", () => channel.close())
        channel.on("message", (data: Buffer) => target.write(data.subarray(1)))
        channel.on("ping", () => {
          this.pings += 1
        })
        channel.on("close", () => target.destroy())
      })
    })
  }

  static async start(context = "stand-in"): Promise<StandInCluster> {
    const cluster = new StandInCluster()
    const server = cluster.#server
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    cluster.kubeconfig = cluster.#folder.write(
      "kubeconfig",
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": context,
        clusters: [{ name: "here", cluster: { server: `http://127.0.0.1:${port}` } }],
        users: [{ name: "someone", user: {} }],
        contexts: [{ name: context, context: { cluster: "here", user: "someone" } }],
      }),
    )
    cluster.nodes = [node("one", "4", "8Gi")]
    return cluster
  }

  /** Whoever holds a port of a pod hears nothing more of it, nor that it has gone. */
  fallSilent(): void {
    for (const channel of this.#sockets.clients) channel.pause()
  }

  add(
    kind: string,
    name: string,
    more: { labels?: Record<string, string>; owner?: string; object?: object } = {},
  ) {
    const labels = more.labels ?? {
      "app.kubernetes.io/name": "a",
      "app.kubernetes.io/managed-by": "capstan",
    }
    const [ownerKind = "", ownerName = ""] = more.owner?.split("/") ?? []
    const owner = { apiVersion: "v1", kind: ownerKind, name: ownerName, uid: more.owner ?? "" }
    this.objects.push({
      kind,
      metadata: {
        name,
        uid: `${kind}/${name}`,
        labels,
        ...(more.owner === undefined ? {} : { ownerReferences: [owner] }),
      },
      ...more.object,
    })
  }

  find<T extends KubernetesObject>(kind: string, name: string): T | undefined {
    const found = this.objects.find((each) => each.kind === kind && each.metadata?.name === name)
    return found as T | undefined
  }

  #answer({ method, url = "" }: IncomingMessage, body: unknown): Answer {
    const { pathname, searchParams } = new URL(url, "http://stand-in")
    if (this.refuses !== undefined) {
      return {
        status: this.refuses,
        body: { reason: "Forbidden", message: this.refusal },
      }
    }
    const fixed = this.#fixed(pathname)
    if (fixed !== undefined) return { status: 200, body: fixed }
    const [, version = "", , plural, name] =
      /^\/apis?\/((?:[a-z0-9.]+\/)?v\d\w*)(?:\/(namespaces\/default)\/([a-z]+)(?:\/(.+))?)?$/.exec(
        pathname,
      ) ?? []
    const known = { ...kinds, ...measured, ...(this.hasGateways ? gatewayApi : {}) }
    const plurals: Readonly<Record<string, string>> | undefined = Object.entries(known).find(
      ([each]) => each === version,
    )?.[1]
    if (plurals === undefined) return notFound
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
    if (name !== undefined) {
      const theirs = this.conflicts.get(kind) ?? []
      if (method === "PATCH" && theirs.length > 0 && searchParams.get("force") !== "true") {
        return conflict(theirs)
      }
      return this.#one(kind, name, method, body as KubernetesObject, searchParams.has("dryRun"))
    }
    if (this.hidden.has(kind)) return { status: 403, body: { reason: "Forbidden" } }
    const wanted = (searchParams.get("labelSelector") ?? "")
      .split(",")
      .filter((pair) => pair !== "")
      .map((pair) => pair.split("="))
    const items = this.objects.filter(
      (each) =>
        each.kind === kind &&
        wanted.every(([key = "", value]) => each.metadata?.labels?.[key] === value),
    )
    return { status: 200, body: { items } }
  }

  #fixed(pathname: string): unknown {
    switch (pathname) {
      case "/version":
        return { gitVersion: this.version }
      case "/apis": {
        const groups = Object.keys(kinds)
          .filter((version) => version.includes("/"))
          .map((groupVersion) => ({ preferredVersion: { groupVersion }, versions: [] }))
        return { groups }
      }
      case "/apis/metrics.k8s.io/v1beta1":
      case "/api/v1/namespaces/default":
        return {}
      case "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
        return { status: { allowed: true } }
      case "/api/v1/nodes":
        return { items: this.nodes }
      case "/api/v1/pods":
        return { items: this.objects.filter(({ kind }) => kind === "Pod") }
      default:
        return undefined
    }
  }

  #one(
    kind: string,
    name: string,
    method: string | undefined,
    body: KubernetesObject,
    isRehearsal: boolean,
  ): Answer {
    const key = `${kind}/${name}`
    if (method === "DELETE") {
      this.deleted.push(key)
      if (!this.stuck.has(kind)) this.#remove(key)
      return { status: 200, body: {} }
    }
    const before = this.find(kind, name)
    if (method !== "PATCH") return before === undefined ? notFound : { status: 200, body: before }
    const after = this.#merged(key, before, body)
    if (isRehearsal) return { status: 200, body: after }
    this.applied.push(key)
    if (before !== undefined) this.objects.splice(this.objects.indexOf(before), 1)
    this.objects.push(after)
    return { status: 200, body: after }
  }

  #merged(
    uid: string,
    before: KubernetesObject | undefined,
    body: KubernetesObject,
  ): KubernetesObject {
    const metadata = { ...before?.metadata, ...body.metadata, uid }
    if (body.kind !== "Deployment") return { ...before, ...body, metadata }
    const { template } = (body as Deployment).spec ?? {}
    const old = before as Deployment | undefined
    const isSame = JSON.stringify(old?.spec?.template) === JSON.stringify(template)
    const number = Number(old?.metadata?.annotations?.[revision] ?? 0) + (isSame ? 0 : 1)
    const spec = { replicas: 1, ...(body as Deployment).spec }
    return {
      ...body,
      metadata: { ...metadata, generation: number, annotations: { [revision]: `${number}` } },
      spec,
      status: this.rolls
        ? {
            observedGeneration: number,
            ...{ replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
          }
        : { observedGeneration: number, replicas: 1 },
    } as Deployment
  }

  #remove(uid: string): void {
    const index = this.objects.findIndex(({ metadata }) => metadata?.uid === uid)
    const [removed] = index >= 0 ? this.objects.splice(index, 1) : []
    for (const { kind, metadata } of [...this.objects]) {
      const isOwned = metadata?.ownerReferences?.some((owner) => owner.uid === uid)
      // Those say not whose they are, and the controller takes them away with their Service.
      const isFollower =
        kind === "Endpoints" &&
        removed?.kind === "Service" &&
        metadata?.name === removed.metadata?.name
      if (isOwned || isFollower) this.#remove(metadata?.uid ?? "")
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#sockets.clients) channel.terminate()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    this.#folder[Symbol.dispose]()
  }
}

/** As server-side apply tells of fields that have other owners. */
function conflict(theirs: readonly (readonly [owner: string, field: string])[]): Answer {
  const causes = theirs.map(([owner, field]) => ({
    reason: "FieldManagerConflict",
    message: `conflict with "${owner}" using apps/v1`,
    field,
  }))
  const message = `Apply failed with ${theirs.length} conflicts`
  return { status: 409, body: { reason: "Conflict", message, details: { causes } } }
}

/** A node that takes pods. */
export function node(name: string, cpu: string, memory: string, more: object = {}) {
  return {
    metadata: { name },
    ...more,
    status: {
      allocatable: { cpu, memory, pods: "110" },
      conditions: [{ type: "Ready", status: "True" }],
      nodeInfo: { operatingSystem: "linux", architecture: "amd64" },
    },
  }
}
