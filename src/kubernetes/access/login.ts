/**
 * From a kubeconfig's user to what a request needs: certificates and headers. Whatever a user can log
 * in with is a certificate, a token, a password, or a program that gives one of these: the clouds'
 * logins (gke-gcloud-auth-plugin, aws, kubelogin) are such programs.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import type { Agent } from "node:http"
import { http } from "../../core/http/builtin.ts"
import { https } from "../../core/http/secure.ts"
import type { Access, Cluster, ExecPlugin, User } from "./kubeconfig.ts"
import { proxyFor } from "./proxy.ts"
import { UnreachableError } from "./unreachable.ts"

/** What is added to the options of a request, over http, https or a web socket. */
export interface Login {
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly agent: Agent
}

interface Credentials {
  readonly cert?: string
  readonly key?: string
  readonly authorization?: string
  /** When they have to be got anew, in milliseconds since 1970. */
  readonly untilMs: number
}

interface Got {
  readonly credentials: Credentials
  readonly login: Login
}

/** Files with tokens are renewed in place. */
const freshMs = 60_000
/** A credential that ends within it is as good as ended: the request has to arrive, too. */
const marginMs = 10_000

export class Logins {
  readonly #access: Access
  #got: Got | undefined
  /** So that requests at once log in once. */
  #getting: Promise<Got> | undefined

  constructor(access: Access) {
    this.#access = access
  }

  /** @throws {UnreachableError} when nothing can be got to log in with. */
  async login(): Promise<Login> {
    const got = this.#got
    if (got !== undefined && got.credentials.untilMs > Date.now()) return got.login
    this.#getting ??= this.#anew(got).finally(() => {
      this.#getting = undefined
    })
    this.#got = await this.#getting
    return this.#got.login
  }

  /** The server did not take it: the next request logs in anew. */
  forget(): void {
    const got = this.#got
    // Its connections stay: otherwise each refusal would leave some open.
    this.#got = got && { ...got, credentials: { ...got.credentials, untilMs: 0 } }
  }

  async #anew(before: Got | undefined): Promise<Got> {
    const credentials = await credentialsOf(this.#access)
    const { cert, key, authorization } = credentials
    // Connections can be kept unless they know their owner by a certificate that is another now.
    const isSame = cert === before?.credentials.cert && key === before?.credentials.key
    const agent = isSame ? before?.login.agent : undefined
    return {
      credentials,
      login: {
        headers: {
          ...impersonation(this.#access.user),
          ...(authorization === undefined ? {} : { authorization }),
        },
        agent: agent ?? agentOf(this.#access.cluster, credentials),
      },
    }
  }
}

function agentOf(cluster: Cluster, { cert, key }: Credentials): Agent {
  const url = new URL(cluster.server)
  const { protocol } = url
  const proxy = proxyFor(url, cluster["proxy-url"], process.env)
  const proxyEnv = proxy === undefined ? {} : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy }
  const common = { keepAlive: true, proxyEnv }
  if (protocol === "http:") return new http.Agent(common)
  const ca = content(cluster["certificate-authority-data"], cluster["certificate-authority"])
  const servername = cluster["tls-server-name"]
  return new https.Agent({
    ...common,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
  })
}

async function credentialsOf({ user, cluster }: Access): Promise<Credentials> {
  const provider = user["auth-provider"]
  if (provider !== undefined) {
    throw new UnreachableError(
      `The kubeconfig logs in by auth-provider ${provider.name ?? ""}, which Kubernetes has given up. Have your cloud's tool write it anew, with an exec plugin.`,
    )
  }
  if (user.exec !== undefined) return await fromProgram(user.exec, cluster)
  return { ...certificate(user), ...authorization(user), untilMs: Date.now() + freshMs }
}

/** Left out, the user would act with rights that the kubeconfig means to put aside. */
function impersonation(user: User): Record<string, string | string[]> {
  const extra = Object.entries(user["as-user-extra"] ?? {}).map(
    ([key, values]) => [`impersonate-extra-${encodeURIComponent(key)}`, [...values]] as const,
  )
  return {
    ...(user.as === undefined ? {} : { "impersonate-user": user.as }),
    ...(user["as-uid"] === undefined ? {} : { "impersonate-uid": user["as-uid"] }),
    ...(user["as-groups"] === undefined ? {} : { "impersonate-group": [...user["as-groups"]] }),
    ...Object.fromEntries(extra),
  }
}

function certificate(user: User): Pick<Credentials, "cert" | "key"> {
  const cert = content(user["client-certificate-data"], user["client-certificate"])
  const key = content(user["client-key-data"], user["client-key"])
  return { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
}

function authorization(user: User): Pick<Credentials, "authorization"> {
  // As kubectl does: the file goes over the token, since it is what gets renewed.
  const token =
    user.tokenFile === undefined ? user.token : content(undefined, user.tokenFile)?.trim()
  if (token !== undefined && token !== "") return { authorization: `Bearer ${token}` }
  if (user.username === undefined) return {}
  const pair = Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")
  return { authorization: `Basic ${pair}` }
}

/** What stands there in base64, or in the file. */
function content(data: string | undefined, file: string | undefined): string | undefined {
  if (data !== undefined && data !== "") return Buffer.from(data, "base64").toString("utf8")
  if (file === undefined || file === "") return undefined
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new UnreachableError(
      `A file that the kubeconfig names can't be read: ${(cause as Error).message}`,
      { cause },
    )
  }
}

interface ExecCredential {
  readonly status?: {
    readonly token?: string
    readonly clientCertificateData?: string
    readonly clientKeyData?: string
    readonly expirationTimestamp?: string
  }
}

async function fromProgram(exec: ExecPlugin, cluster: Cluster): Promise<Credentials> {
  const { status } = await ask(exec, cluster)
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = status ?? {}
  if (!token && !clientCertificateData) {
    throw new UnreachableError(
      `The login program ${exec.command} gave neither token nor certificate.`,
    )
  }
  const endsMs = Date.parse(expirationTimestamp ?? "")
  return {
    ...(clientCertificateData ? { cert: clientCertificateData } : {}),
    ...(clientKeyData ? { key: clientKeyData } : {}),
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    // What has no end said is good until the server says otherwise.
    untilMs: Number.isNaN(endsMs) ? Number.POSITIVE_INFINITY : endsMs - marginMs,
  }
}

/** A program that asks somebody to confirm in a browser takes as long as they do. */
const programMsMax = 300_000

async function ask(exec: ExecPlugin, cluster: Cluster): Promise<ExecCredential> {
  const { command, apiVersion, interactiveMode = "IfAvailable", installHint } = exec
  const failed = (why: string, cause?: unknown): UnreachableError =>
    new UnreachableError(`The kubeconfig logs in by ${command}, and that failed: ${why}`, { cause })
  const isTerminal = process.stdin.isTTY === true
  if (interactiveMode === "Always" && !isTerminal) {
    throw failed("it wants a terminal to ask you something in, and there is none.")
  }
  const interactive = interactiveMode !== "Never" && isTerminal
  const info = {
    apiVersion,
    kind: "ExecCredential",
    spec: { interactive, ...(exec.provideClusterInfo === true ? { cluster: told(cluster) } : {}) },
  }
  let output: string
  try {
    output = await outputOf(exec, interactive, JSON.stringify(info))
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT"
    const hint = isMissing && installHint !== undefined ? ` ${installHint.trim()}` : ""
    const why = isMissing ? "it is not installed" : (cause as Error).message
    throw failed(`${why}.${hint}`, cause)
  }
  try {
    return JSON.parse(output)
  } catch {
    // The parser's own words show a piece of it, which may be of a token.
    throw failed("what it printed is no JSON.")
  }
}

async function outputOf(
  { command, args, env }: ExecPlugin,
  interactive: boolean,
  info: string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const child = spawn(command, args ?? [], {
    // What it has to say to a person, it says itself.
    stdio: [interactive ? "inherit" : "ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: info,
    },
    timeout: programMsMax,
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk
  })
  child.on("error", reject)
  child.on("close", (code, signal) => {
    if (code === 0) resolve(output)
    else reject(new Error(`it ended ${code === null ? `by ${signal}` : `with exit code ${code}`}`))
  })
  return await promise
}

/** The cluster as the program is told of it, under that API's names. */
function told(cluster: Cluster): object {
  const authority = content(cluster["certificate-authority-data"], cluster["certificate-authority"])
  const config = cluster.extensions?.find(
    ({ name }) => name === "client.authentication.k8s.io/exec",
  )?.extension
  return {
    server: cluster.server,
    ...(cluster["tls-server-name"] === undefined
      ? {}
      : { "tls-server-name": cluster["tls-server-name"] }),
    ...(cluster["insecure-skip-tls-verify"] === true ? { "insecure-skip-tls-verify": true } : {}),
    ...(authority === undefined
      ? {}
      : { "certificate-authority-data": Buffer.from(authority).toString("base64") }),
    ...(cluster["proxy-url"] === undefined ? {} : { "proxy-url": cluster["proxy-url"] }),
    ...(config === undefined ? {} : { config }),
  }
}
