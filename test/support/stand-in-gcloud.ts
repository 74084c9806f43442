/**
 * A `gcloud` that is a few lines of shell: it writes down how it was called, and plays back what it was
 * told to. Beside it stands a login plugin, and as much of a GKE cluster's API as is asked of one.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { TemporaryFolder } from "./cli.ts"

export interface Answer {
  readonly stdout?: string
  readonly stderr?: string
  readonly code?: number
  /** Shell that runs before it answers; `$world` is the folder with the lists. */
  readonly first?: string
}

/** Nothing but the two programs is in the PATH, so that the machine's own are never found. */
const script = `#!/bin/sh
world=\${0%/*}/world
printf '%s\\n' "$*" >> "$world/calls"
for rule in "$world"/rules/*; do
  read -r pattern < "$rule/pattern"
  case "$*" in $pattern)
    . "$rule/first"
    /bin/cat "$rule/stdout"
    /bin/cat "$rule/stderr" >&2
    read -r code < "$rule/code"
    exit "$code"
  esac
done
echo "the stand-in has no answer to: $*" >&2
exit 99
`

export const project = "shop-project"
export const context = `gke_${project}_europe-west4_shop`

export class StandInGcloud implements AsyncDisposable {
  readonly #folder = new TemporaryFolder()
  readonly #world = `${this.#folder.path}/bin/world`
  readonly cluster: StandInGke
  #rules = 1000

  private constructor(cluster: StandInGke) {
    this.cluster = cluster
  }

  /** Logged in, with billing, and nothing made yet. */
  static async start(): Promise<StandInGcloud> {
    const gcloud = new StandInGcloud(await StandInGke.start())
    mkdirSync(`${gcloud.#world}/rules`, { recursive: true })
    for (const name of ["gcloud", "gke-gcloud-auth-plugin"]) {
      writeFileSync(`${gcloud.bin}/${name}`, script)
      chmodSync(`${gcloud.bin}/${name}`, 0o755)
    }
    for (const list of ["clusters", "operations", "repositories", "images"]) gcloud.list(list, [])
    gcloud.list("enabled", undefined)
    writeFileSync(`${gcloud.#world}/kubeconfig`, JSON.stringify(gcloud.cluster.kubeconfig))
    const cat = (list: string): Answer => ({ first: `/bin/cat "$world/${list}"` })
    // The last ones said are looked at first.
    gcloud.says("compute * list *", { stdout: "[]" })
    gcloud.says("artifacts docker images list *", cat("images"))
    gcloud.says("container operations list *", cat("operations"))
    gcloud.says("container operations wait *", { first: 'echo "[]" > "$world/operations"' })
    gcloud.says("container clusters list *", cat("clusters"))
    gcloud.says("container clusters create* *", { first: set("clusters", [ourCluster]) })
    gcloud.says("container clusters delete *", { first: set("clusters", []) })
    gcloud.says("container clusters get-credentials *", {
      first: '/bin/cp "$world/kubeconfig" "$KUBECONFIG"',
    })
    gcloud.says("artifacts repositories list *", cat("repositories"))
    gcloud.says("artifacts repositories create *", { first: set("repositories", [ourRegistry]) })
    gcloud.says("artifacts repositories delete *", { first: set("repositories", []) })
    gcloud.says("auth configure-docker *", {})
    gcloud.says("services enable *", {
      first:
        'printf "container.googleapis.com\\nartifactregistry.googleapis.com\\n" > "$world/enabled"',
    })
    gcloud.says("services list *", cat("enabled"))
    gcloud.says("billing projects describe *", { stdout: "True\n" })
    gcloud.says("auth list *", { stdout: "me@example.com\n" })
    gcloud.says("config get project", { stdout: `${project}\n` })
    gcloud.says("--version", {})
    return gcloud
  }

  /** From now on; a `*` stands for anything. */
  says(pattern: string, { stdout = "", stderr = "", code = 0, first = "" }: Answer): void {
    this.#rules -= 1
    const rule = `${this.#world}/rules/${String(this.#rules).padStart(4, "0")}`
    mkdirSync(rule)
    const files = {
      pattern: `${pattern}\n`,
      stdout,
      stderr,
      code: `${code}\n`,
      first: `${first}\n`,
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(`${rule}/${name}`, text)
  }

  /** What a list has; none of it for an API that is off. */
  list(name: string, items: readonly unknown[] | undefined): void {
    writeFileSync(`${this.#world}/${name}`, items === undefined ? "" : JSON.stringify(items))
  }

  /** As if both were made in an earlier run. */
  made(): void {
    this.list("clusters", [ourCluster])
    this.list("repositories", [ourRegistry])
    writeFileSync(
      `${this.#world}/enabled`,
      "container.googleapis.com\nartifactregistry.googleapis.com\n",
    )
  }

  uninstall(name: "gcloud" | "gke-gcloud-auth-plugin"): void {
    rmSync(`${this.bin}/${name}`)
  }

  get bin(): string {
    return `${this.#folder.path}/bin`
  }

  get env(): Readonly<Record<string, string>> {
    return { PATH: this.bin, KUBECONFIG: `${this.#folder.path}/kubeconfig` }
  }

  /** How it was called, in order. */
  get calls(): readonly string[] {
    const file = `${this.#world}/calls`
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []
  }

  /** Those that change something. */
  get changes(): readonly string[] {
    return this.calls.filter(
      (call) => !/^--version|^config |^auth list| (?:list|describe) /.test(call),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
  }
}

export const ourCluster = {
  name: "shop",
  location: "europe-west4",
  status: "RUNNING",
  resourceLabels: { "managed-by": "capstan" },
  autopilot: { enabled: true },
} as const

export const ourRegistry = {
  name: `projects/${project}/locations/europe-west4/repositories/shop`,
  format: "DOCKER",
  labels: { "managed-by": "capstan", "capstan-cluster": "shop" },
} as const

function set(list: string, items: readonly unknown[]): string {
  return `printf '%s' '${JSON.stringify(items)}' > "$world/${list}"`
}

/** The API of a cluster with load balancers, or without. */
class StandInGke implements AsyncDisposable {
  /** `services/shop/web`, by type. */
  readonly services = new Map<string, string>()
  readonly gateways = new Set<string>()
  /** What a deletion does not make go, as with a finalizer that nobody takes away. */
  readonly stuck = new Set<string>()
  readonly deleted: string[] = []
  /** Called at each deletion. */
  heard: () => void = () => {}
  readonly #server: Server
  kubeconfig: unknown

  private constructor() {
    this.#server = createServer(({ method, url = "" }, response) => {
      const body = method === "DELETE" ? this.#delete(url) : this.#get(url)
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
      response.end(JSON.stringify(body ?? { reason: "NotFound", message: `no ${url}` }))
    })
  }

  static async start(): Promise<StandInGke> {
    const cluster = new StandInGke()
    await new Promise<void>((resolve) => cluster.#server.listen(0, "127.0.0.1", resolve))
    const { port } = cluster.#server.address() as AddressInfo
    cluster.kubeconfig = {
      "current-context": context,
      clusters: [{ name: context, cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: context, user: {} }],
      contexts: [{ name: context, context: { cluster: context, user: context } }],
    }
    return cluster
  }

  #get(url: string): unknown {
    const items = (names: Iterable<string>, specOf: (name: string) => object) => ({
      items: Array.from(names, (each) => {
        const [namespace, name] = each.split("/")
        return { metadata: { namespace, name, uid: each }, spec: specOf(each) }
      }),
    })
    switch (url) {
      case "/api/v1/services":
        return items(this.services.keys(), (name) => ({ type: this.services.get(name) }))
      case "/apis/gateway.networking.k8s.io/v1/gateways":
        return items(this.gateways, () => ({}))
      case "/apis/networking.k8s.io/v1/ingresses":
        return { items: [] }
      case "/api/v1/namespaces/kube-system":
        return { metadata: { name: "kube-system", uid: "uid-of-shop" } }
      case "/apis/metrics.k8s.io/v1beta1":
        return { resources: [] }
      default:
        return undefined
    }
  }

  #delete(url: string): unknown {
    const [, namespace, plural, name] = /namespaces\/([^/]+)\/([^/]+)\/(.+)$/.exec(url) ?? []
    const key = `${namespace}/${name}`
    this.deleted.push(`${plural} ${key}`)
    this.heard()
    if (!this.stuck.has(key)) {
      this.services.delete(key)
      this.gateways.delete(key)
    }
    return {}
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
