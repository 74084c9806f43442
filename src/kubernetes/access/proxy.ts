/**
 * Which proxy leads to the API server, as `kubectl` has it: the kubeconfig's, or the environment's
 * unless NO_PROXY names the server. Node's own reading of NO_PROXY knows neither networks (10.0.0.0/8)
 * nor that a domain stands for what is below it, and clusters are named by just these.
 *
 * https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
import { BlockList, isIP } from "node:net"
import { UnreachableError } from "./unreachable.ts"

type Env = Readonly<Record<string, string | undefined>>

/**
 * @param own the kubeconfig's `proxy-url`, which goes over the environment and NO_PROXY.
 * @throws {UnreachableError} when it is neither an http nor an https proxy.
 */
export function proxyFor(server: URL, own: string | undefined, env: Env): string | undefined {
  const named = own || undefined
  const proxy = named ?? environmentProxy(server, env)
  if (proxy === undefined) return undefined
  const url = /^[a-z0-9+.-]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`
  if (URL.canParse(url) && /^https?:/i.test(url)) return url
  // Not the proxy itself: a password may stand in it.
  const [scheme = ""] = url.split("://")
  const where = named === undefined ? "The environment's proxy" : "The kubeconfig's proxy-url"
  throw new UnreachableError(
    `${where} is one of ${scheme}; Capstan goes through http and https proxies only.`,
  )
}

function environmentProxy(server: URL, env: Env): string | undefined {
  const name = server.protocol === "http:" ? "HTTP_PROXY" : "HTTPS_PROXY"
  const proxy = env[name] || env[name.toLowerCase()]
  const host = server.hostname.replace(/^\[|\]$/g, "")
  const port = server.port || (server.protocol === "http:" ? "80" : "443")
  const isDirect = isOwn(host) || isNamed(host, port, env.NO_PROXY || env.no_proxy || "")
  return isDirect || !proxy ? undefined : proxy
}

/** This machine itself, which no proxy leads to. */
function isOwn(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
}

function isNamed(host: string, port: string, noProxy: string): boolean {
  return noProxy
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== "" && names(entry, host, port))
}

function names(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true
  const [, bracketed, plain, only = port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  const name = bracketed ?? plain ?? entry
  if (only !== port) return false
  if (isIP(host) !== 0) return name === host || isWithin(host, name)
  const domain = name.replace(/^\*\./, ".")
  return host === domain || host.endsWith(domain.startsWith(".") ? domain : `.${domain}`)
}

function isWithin(address: string, network: string): boolean {
  const [base = "", bits = ""] = network.split("/")
  const family = isIP(base)
  if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false
  const list = new BlockList()
  list.addSubnet(base, Number(bits), family === 4 ? "ipv4" : "ipv6")
  return list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6")
}
