/**
 * Kubeconfig files, read as `kubectl` reads them: those that KUBECONFIG names, or the one in the home
 * folder; what is said first counts; paths are from the file that they stand in. Which of what they
 * know is used is the context.
 *
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs"
import { isIPv6 } from "node:net"
import { homedir } from "node:os"
import { delimiter, dirname, join, resolve } from "node:path"
import { parseYaml } from "./bounded-yaml.ts"
import { UnreachableError } from "./unreachable.ts"

export interface Cluster {
  readonly server: string
  readonly "certificate-authority"?: string
  readonly "certificate-authority-data"?: string
  readonly "insecure-skip-tls-verify"?: boolean
  readonly "tls-server-name"?: string
  readonly "proxy-url"?: string
  readonly extensions?: readonly Extension[]
}

interface Extension {
  readonly name: string
  readonly extension?: { readonly provider?: string; readonly [key: string]: unknown }
}

export interface User {
  readonly "client-certificate"?: string
  readonly "client-certificate-data"?: string
  readonly "client-key"?: string
  readonly "client-key-data"?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly password?: string
  readonly exec?: ExecPlugin
  /** Whom the user acts for. */
  readonly as?: string
  readonly "as-uid"?: string
  readonly "as-groups"?: readonly string[]
  readonly "as-user-extra"?: Readonly<Record<string, readonly string[]>>
  readonly "auth-provider"?: { readonly name?: string }
}

/** A program that logs in: `client.authentication.k8s.io`. */
export interface ExecPlugin {
  readonly apiVersion: string
  readonly command: string
  readonly args?: readonly string[] | null
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null
  readonly provideClusterInfo?: boolean
  readonly interactiveMode?: "Never" | "IfAvailable" | "Always"
  readonly installHint?: string
}

/** A context with all that it names. */
export interface Access {
  readonly context: string
  readonly namespace: string
  readonly cluster: Cluster
  readonly user: User
}

interface Named<T> {
  readonly name: string
  readonly value: T
}

interface Kubeconfig {
  readonly current: string | undefined
  readonly contexts: readonly Named<{ cluster?: string; user?: string; namespace?: string }>[]
  readonly clusters: readonly Named<Cluster>[]
  readonly users: readonly Named<User>[]
}

/** Of a file: thousands of clusters with their certificates. */
const bytesMax = 8 * 2 ** 20

/** Where a pod finds what it may say to its own cluster with. */
const podFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * Where there is no kubeconfig, and this is a pod of a cluster, it is that cluster.
 * @param wanted a context; left out: the current one.
 * @throws {UnreachableError} when there is no such thing, or a file can't be read.
 */
export function access(
  wanted: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  account = podFolder,
): Access {
  const files = filesOf(env)
  const found = files.map(read).filter((each) => each !== undefined)
  const config = merged(found)
  const isUntold = found.length === 0 && wanted === undefined && !env.KUBECONFIG
  const own = isUntold ? ownCluster(env, account) : undefined
  if (own !== undefined) return own
  if (config.contexts.length === 0 && config.current === undefined) {
    throw new UnreachableError(`There is no kubeconfig: nothing in ${files.join(", ")}.`)
  }
  const name = wanted ?? config.current
  if (name === undefined || name === "") {
    throw new UnreachableError("The kubeconfig names no current context.")
  }
  const context = find(config.contexts, name)
  if (context === undefined) {
    const names = config.contexts.map((each) => each.name).join(", ") || "none"
    throw new UnreachableError(`The kubeconfig has no context ${name}; it has ${names}.`)
  }
  const cluster = find(config.clusters, context.cluster ?? "")
  if (typeof cluster?.server !== "string" || !URL.canParse(cluster.server)) {
    throw new UnreachableError(`The kubeconfig's context ${name} names no cluster with a server.`)
  }
  const user = find(config.users, context.user ?? "")
  if (user === undefined && context.user !== undefined && context.user !== "") {
    throw new UnreachableError(`The kubeconfig's context ${name} names a user that it has not.`)
  }
  return { context: name, namespace: context.namespace || "default", cluster, user: user ?? {} }
}

/** The profile of minikube that made a cluster; minikube says so in the kubeconfig. */
export function isMinikube({ context, cluster }: Access): boolean {
  return (
    context === "minikube" ||
    cluster.extensions?.some(({ extension }) => extension?.provider === "minikube.sigs.k8s.io") ===
      true
  )
}

function ownCluster(
  env: Readonly<Record<string, string | undefined>>,
  account: string,
): Access | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env
  const tokenFile = join(account, "token")
  if (host === undefined || !existsSync(tokenFile)) return undefined
  const namespaceFile = join(account, "namespace")
  return {
    context: "in-cluster",
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, "utf8").trim() : "default",
    cluster: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      "certificate-authority": join(account, "ca.crt"),
    },
    user: { tokenFile },
  }
}

function filesOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "")
  return named.length > 0 ? named : [join(env.HOME ?? homedir(), ".kube", "config")]
}

/** Undefined when the file is not there: KUBECONFIG may name some that are not yet. */
function read(file: string): Kubeconfig | undefined {
  let text: string
  try {
    text = textOf(file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw unreadable(file, cause)
  }
  try {
    return parsed(text, dirname(resolve(file)))
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/** A file may also be a pipe, or what has no end. */
function textOf(file: string): string {
  const descriptor = openSync(file, "r")
  try {
    const bytes = Buffer.allocUnsafe(bytesMax + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(descriptor, bytes, length, bytes.length - length, null)
    }
    if (length > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`)
    return bytes.toString("utf8", 0, length)
  } finally {
    closeSync(descriptor)
  }
}

function unreadable(file: string, cause: unknown): UnreachableError {
  const said = cause instanceof Error ? cause.message : String(cause)
  // Below it the parser shows the place, where a token may stand: that is for nobody's log.
  const why = said.replace(/:?\n.*$/s, "")
  return new UnreachableError(`The kubeconfig ${file} can't be read: ${why}`)
}

type Raw = Readonly<Record<string, unknown>>

function parsed(text: string, folder: string): Kubeconfig {
  const raw: unknown = parseYaml(text) ?? {}
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    throw new Error("it is no kubeconfig")
  }
  const top = raw as Raw
  const current = top["current-context"]
  return {
    current: typeof current === "string" && current !== "" ? current : undefined,
    contexts: named(top.contexts, "context"),
    clusters: named<Cluster>(top.clusters, "cluster").map(({ name, value }) => ({
      name,
      value: { ...value, ...absolute(value, ["certificate-authority"], folder) },
    })),
    users: named<User>(top.users, "user").map(({ name, value }) => ({
      name,
      value: {
        ...value,
        ...absolute(value, ["client-certificate", "client-key", "tokenFile"], folder),
        ...(value.exec === undefined ? {} : { exec: withPath(value.exec, folder) }),
      },
    })),
  }
}

/** `[{ name, cluster: { … } }]`, as all three lists are. */
function named<T>(list: unknown, key: string): Named<T>[] {
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw new Error(`its ${key}s are no list`)
  return list.map((each: Raw | null) => {
    if (typeof each !== "object" || each === null)
      throw new Error(`one of its ${key}s is no object`)
    // What is null is left out, as kubectl has it.
    const said = Object.entries(each[key] ?? {}).filter(([, value]) => value !== null)
    return { name: String(each.name), value: Object.fromEntries(said) as T }
  })
}

function absolute<T extends object>(value: T, keys: readonly (keyof T)[], folder: string): object {
  return Object.fromEntries(
    keys
      .map((key) => [key, value[key]] as const)
      .filter(([, path]) => typeof path === "string" && path !== "")
      .map(([key, path]) => [key, resolve(folder, String(path))]),
  )
}

/** A command with a slash in it is a file, and from here; one without is looked for in PATH. */
function withPath(exec: ExecPlugin, folder: string): ExecPlugin {
  return /[\\/]/.test(exec.command) ? { ...exec, command: resolve(folder, exec.command) } : exec
}

function merged(configs: readonly Kubeconfig[]): Kubeconfig {
  return {
    current: configs.find(({ current }) => current !== undefined)?.current,
    contexts: configs.flatMap(({ contexts }) => contexts),
    clusters: configs.flatMap(({ clusters }) => clusters),
    users: configs.flatMap(({ users }) => users),
  }
}

/** The first of that name counts. */
function find<T>(list: readonly Named<T>[], name: string): T | undefined {
  return list.find((each) => each.name === name)?.value
}
