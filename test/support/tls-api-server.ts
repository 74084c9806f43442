/** An API server over TLS, certificates for it and its clients, and kubeconfigs that lead there. */
import { execFile } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import type { TLSSocket } from "node:tls"
import { promisify } from "node:util"
import { stringify } from "yaml"
import { Api } from "../../src/kubernetes/cluster/api.ts"
import { TemporaryFolder } from "./cli.ts"

export const folder = new TemporaryFolder()

/** An authority, and certificates by it: `server` for 127.0.0.1, `client`. */
export async function makeCertificates(): Promise<void> {
  const openssl = (...args: readonly string[]) =>
    promisify(execFile)("openssl", args, { cwd: folder.path })
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
  const authority = ["-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca"]
  await openssl("req", ...authority)
  const by = ["-x509", ...key, "-CA", "ca.crt", "-CAkey", "ca.key"]
  const address = ["-addext", "subjectAltName=IP:127.0.0.1"]
  await openssl(
    "req",
    ...by,
    "-keyout",
    "server.key",
    "-out",
    "server.crt",
    "-subj",
    "/CN=s",
    ...address,
  )
  await openssl("req", ...by, "-keyout", "client.key", "-out", "client.crt", "-subj", "/CN=someone")
}

export const file = (name: string) => readFileSync(`${folder.path}/${name}`, "utf8")
export const inBase64 = (name: string) => Buffer.from(file(name)).toString("base64")

interface Said {
  readonly cluster?: object
  readonly user?: object
  readonly namespace?: string
}

export function kubeconfig(said: Said, context = "here", path = "kubeconfig"): string {
  const at = { cluster: "c", user: "u", ...(said.namespace && { namespace: said.namespace }) }
  return folder.write(
    path,
    stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": context,
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:6443", ...said.cluster } }],
      users: [{ name: "u", user: said.user ?? {} }],
      contexts: [{ name: context, context: at }],
    }),
  )
}

interface Seen {
  readonly authorization: string | undefined
  readonly actsFor: readonly (string | undefined)[]
  readonly certificate: string | undefined
}

/** An API server over TLS that says who asked. */
export class Server implements AsyncDisposable {
  readonly seen: Seen[] = []
  /** What it answers 401 to. */
  refused: string | undefined
  /** How many requests it still has no time for. */
  busy = 0
  readonly #server = createServer(
    {
      key: file("server.key"),
      cert: file("server.crt"),
      ca: file("ca.crt"),
      requestCert: true,
      rejectUnauthorized: false,
      // It leaves it to the client to end a connection.
      keepAliveTimeout: 0,
    },
    ({ socket, headers }, response) => {
      const { authorization } = headers
      const actsFor = ["user", "uid", "group", "extra-scopes"].map((each) => {
        const value = headers[`impersonate-${each}`]
        return Array.isArray(value) ? value.join() : value
      })
      const certificate = (socket as TLSSocket).getPeerCertificate().subject?.CN
      this.seen.push({ authorization, actsFor, certificate: certificate as string | undefined })
      if (this.busy > 0) {
        this.busy -= 1
        response.writeHead(429, { "retry-after": "0" }).end("{}")
        return
      }
      const isRefused = this.refused !== undefined && authorization === this.refused
      response.writeHead(isRefused ? 401 : 200).end("{}")
    },
  )

  connections = 0

  static async start(): Promise<Server> {
    const server = new Server()
    server.#server.on("secureConnection", () => {
      server.connections += 1
    })
    await once(server.#server.listen(0, "127.0.0.1"), "listening")
    return server
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Asks it as the commands do. */
  api(user: object, cluster: object = {}): Api {
    const authority = { "certificate-authority-data": inBase64("ca.crt") }
    const said = { user, cluster: { server: this.url, ...authority, ...cluster } }
    return new Api(undefined, { KUBECONFIG: kubeconfig(said) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
