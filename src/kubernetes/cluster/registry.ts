/**
 * What a registry says of an image when it is asked from here, without a login: whether it is there,
 * and what it runs on. The nodes ask by themselves later, perhaps with a login and on other ways, so
 * only "it is not there" is an answer for them as well; everything else is not known.
 *
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
import { text } from "node:stream/consumers"
import { bounded } from "../../core/bounded.ts"
import { fullName } from "../image/dockerfile.ts"

export type ImageFound =
  /** `platforms` as in `linux/amd64`; none when it does not say. */
  | { readonly kind: "there"; readonly platforms: readonly string[] }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown"; readonly why: string }

/** A registry that takes longer would hold up the deploy for what the nodes will tell anyway. */
const patienceMs = 5_000
/** No manifest is larger (distribution-spec, "Pushing Manifests"), nor is a configuration or a token. */
const bytesMax = 4 * 2 ** 20
/** Registries send to where their blobs are stored, seldom more than once. */
const redirectsMax = 5

const accepted = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ")

/** What came back is not what a registry may say; the message ends "… can't be asked from here: ". */
class RegistryError extends Error {
  override readonly name = "RegistryError"
}

export async function findImage(image: string): Promise<ImageFound> {
  const { registry, repository, reference } = parseImage(image)
  const scheme = isLoopback(registry) ? "http" : "https"
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry
  const root = `${scheme}://${host}/v2/${repository}`
  const done = new AbortController()
  const signal = AbortSignal.any([AbortSignal.timeout(patienceMs), done.signal])
  try {
    const manifestUrl = new URL(`${root}/manifests/${reference}`)
    const authorization = await tokenFor(manifestUrl, signal)
    const from = { home: manifestUrl, authorization, signal }
    const answer = await ask(manifestUrl, accepted, from)
    if (answer.status === 404) return { kind: "missing" }
    if (answer.status === 401 || answer.status === 403) {
      return { kind: "unknown", why: `${registry} shows it only to those who log in` }
    }
    if (!answer.ok) return { kind: "unknown", why: `${registry} answered ${answer.status}` }
    const { manifests, config } = await objectIn(answer)
    if (Array.isArray(manifests)) {
      return { kind: "there", platforms: manifests.flatMap((each) => platformOf(each?.platform)) }
    }
    const digest = (config as { readonly digest?: unknown } | null | undefined)?.digest
    if (typeof digest !== "string" || !/^[\w+.-]+:\w+$/.test(digest)) {
      return { kind: "there", platforms: [] }
    }
    const found = await ask(new URL(`${root}/blobs/${digest}`), "*/*", from)
    return { kind: "there", platforms: found.ok ? platformOf(await objectIn(found)) : [] }
  } catch (error) {
    return { kind: "unknown", why: `${registry} can't be asked from here: ${whyNot(error)}` }
  } finally {
    // What has not been read of answers is not wanted.
    done.abort()
  }
}

function whyNot(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: { readonly code?: string } }
  if (error instanceof RegistryError) return message
  return name === "TimeoutError" ? "it did not answer in time" : (cause?.code ?? name)
}

/** None when it does not say, as attestations don't. */
function platformOf(said: unknown): readonly string[] {
  const { os, architecture } = (said ?? {}) as { os?: unknown; architecture?: unknown }
  const words = [os, architecture]
  const isSaid = words.every((word) => typeof word === "string" && /^[\w.-]{1,64}$/.test(word))
  return isSaid && !words.includes("unknown") ? [words.join("/")] : []
}

interface From {
  /** The registry: nobody else gets the token. */
  readonly home: URL
  readonly authorization?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Asks there, and where that sends to.
 * @throws {RegistryError} when that is somewhere where nobody must be sent from outside.
 */
async function ask(url: URL, accept: string, from: From, method = "GET"): Promise<Response> {
  const { home, authorization, signal } = from
  let at = url
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const isHome = at.origin === home.origin
    const login = isHome && authorization !== undefined ? { authorization } : {}
    const headers = { accept, ...login }
    const answer = await fetch(at, { method, signal, headers, redirect: "manual" })
    const location = answer.headers.get("location")
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return answer
    await answer.body?.cancel()
    at = allowed(URL.parse(location, at), home, "it sends to")
  }
  throw new RegistryError("it sends on and on")
}

/**
 * What a registry names is asked by this machine, which may reach what the registry does not: so over
 * https, and plainly only where the registry itself is on this machine, at no other than this one.
 */
function allowed(url: URL | null, home: URL, verb: string): URL {
  if (url === null) throw new RegistryError(`${verb} what is no URL`)
  if (url.username !== "" || url.password !== "") {
    throw new RegistryError(`${verb} a URL with a login in it`)
  }
  const isOwn = url.protocol === "http:" && isLoopback(home.host) && isLoopback(url.host)
  if (url.protocol === "https:" || isOwn) return url
  throw new RegistryError(`${verb} ${url.protocol}//${url.host}, and only https may be followed`)
}

/** With or without a port. */
function isLoopback(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(host)
}

/**
 * Public images, too, want a token, which anybody gets where the refusal says.
 * @returns undefined when there is none to be had, and none may be needed.
 */
async function tokenFor(url: URL, signal: AbortSignal): Promise<string | undefined> {
  const first = await ask(url, accepted, { home: url, signal }, "HEAD")
  const challenge = first.headers.get("www-authenticate") ?? ""
  if (first.status !== 401 || !/^bearer /i.test(challenge)) return undefined
  const said = new Map(
    Array.from(challenge.matchAll(/\b(\w+)="([^"]*)"/g), ([, key = "", value = ""]) => [
      key,
      value,
    ]),
  )
  const where = allowed(URL.parse(said.get("realm") ?? ""), url, "its realm is")
  for (const key of ["service", "scope"]) {
    const value = said.get(key)
    if (value !== undefined) where.searchParams.set(key, value)
  }
  const answer = await ask(where, "application/json", { home: url, signal })
  if (!answer.ok) return undefined
  const { token, access_token } = await objectIn(answer)
  const given = token ?? access_token
  // What could not stand in a header is no token.
  return typeof given === "string" && /^[\x21-\x7e]+$/.test(given) ? `Bearer ${given}` : undefined
}

async function objectIn({ body }: Response): Promise<Readonly<Record<string, unknown>>> {
  const tooMuch = () => new RegistryError(`it answers with more than ${bytesMax} bytes`)
  const said = body === null ? "" : await text(bounded(body, bytesMax, tooMuch))
  try {
    const parsed: unknown = JSON.parse(said)
    if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, unknown>
  } catch {
    // As what is no object.
  }
  throw new RegistryError("what it answers is no object in JSON")
}

interface ImageName {
  readonly registry: string
  readonly repository: string
  /** A tag, or a digest, which goes over a tag beside it. */
  readonly reference: string
}

export function parseImage(image: string): ImageName {
  const [name = "", digest] = fullName(image).split("@")
  const slash = name.indexOf("/")
  const [, repository = "", tag] = /^(.+?)(?::([^:/]+))?$/.exec(name.slice(slash + 1)) ?? []
  return { registry: name.slice(0, slash), repository, reference: digest ?? tag ?? "latest" }
}
