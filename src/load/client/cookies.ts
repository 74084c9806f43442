/**
 * A user's cookies. All of a run goes to one origin, so a jar knows no hosts: what the target sets,
 * it gets back, by path and until it expires, as RFC 6265 has it. Cookies that the target sets for a
 * host that is not its own are left alone.
 */
/** A target that sets ever new names must not fill the memory. */
const cookiesMax = 100

interface Kept {
  readonly value: string
  readonly path: string
  readonly secure: boolean
  /** In milliseconds since 1970. */
  readonly expiresAtMs: number
}

export class Cookies {
  readonly #origin: URL
  readonly #kept = new Map<string, Kept>()

  constructor(origin: URL) {
    this.#origin = origin
  }

  /** The value of the cookie of this name, if there is one. */
  get(name: string): string | undefined {
    this.#forgetExpired()
    for (const [key, { value }] of this.#kept) if (nameOf(key) === name) return value
    return undefined
  }

  /** Sets one, as if the target had done so for all of its paths. */
  set(name: string, value: string): void {
    this.#keep(name, { value, path: "/", secure: false, expiresAtMs: Number.POSITIVE_INFINITY })
  }

  /** Forgets all. */
  clear(): void {
    this.#kept.clear()
  }

  /** Takes what an answer to a request for `path` set. */
  take(setCookie: string | readonly string[], path: string): void {
    for (const line of typeof setCookie === "string" ? [setCookie] : setCookie) {
      const cookie = parseCookie(line)
      if (cookie === undefined || !this.#isOurs(cookie)) continue
      const { name, value, secure, expiresAtMs } = cookie
      const cookiePath = cookie.path?.startsWith("/") ? cookie.path : folderOf(path)
      if (expiresAtMs <= Date.now()) this.#kept.delete(keyOf(name, cookiePath))
      else this.#keep(name, { value, path: cookiePath, secure, expiresAtMs })
    }
  }

  /** The `cookie` header for a request for `path`; undefined when there is nothing to say. */
  header(path: string): string | undefined {
    if (this.#kept.size === 0) return undefined
    this.#forgetExpired()
    const isSecure = this.#origin.protocol === "https:"
    const pathname = path.split("?", 1)[0]!
    const pairs = [...this.#kept]
      .filter(([, kept]) => (isSecure || !kept.secure) && matches(pathname, kept.path))
      // The more special path first.
      .toSorted(([, a], [, b]) => b.path.length - a.path.length)
      .map(([key, { value }]) => `${nameOf(key)}=${value}`)
    return pairs.length === 0 ? undefined : pairs.join("; ")
  }

  #keep(name: string, kept: Kept): void {
    const key = keyOf(name, kept.path)
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= cookiesMax) break
      this.#kept.delete(oldest)
    }
  }

  #isOurs({ domain }: Cookie): boolean {
    const wanted = domain?.replace(/^\./, "").toLowerCase() ?? ""
    const { hostname } = this.#origin
    return wanted === "" || hostname === wanted || hostname.endsWith(`.${wanted}`)
  }

  #forgetExpired(): void {
    const nowMs = Date.now()
    for (const [key, { expiresAtMs }] of this.#kept) {
      if (expiresAtMs <= nowMs) this.#kept.delete(key)
    }
  }
}

function keyOf(name: string, path: string): string {
  return `${path}\n${name}`
}

function nameOf(key: string): string {
  return key.slice(key.indexOf("\n") + 1)
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string | undefined
  readonly domain: string | undefined
  readonly secure: boolean
  readonly expiresAtMs: number
}

/** A `set-cookie` header; undefined when it is none. RFC 6265, 5.2. */
function parseCookie(line: string): Cookie | undefined {
  const [pair = "", ...rest] = line.split(";")
  const equals = pair.indexOf("=")
  const name = pair.slice(0, Math.max(0, equals)).trim()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
  if (name === "" || /[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return undefined
  const attributes = new Map(
    rest.map((attribute) => {
      const [key = "", ...value] = attribute.split("=")
      return [key.trim().toLowerCase(), value.join("=").trim()] as const
    }),
  )
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    path: attributes.get("path"),
    domain: attributes.get("domain"),
    secure: attributes.has("secure"),
    expiresAtMs: expiry(attributes.get("max-age"), attributes.get("expires")),
  }
}

/** The age goes before the date; what can't be read is as if it were not there. */
function expiry(maxAge: string | undefined, expires: string | undefined): number {
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) {
    return Number(maxAge) <= 0 ? 0 : Date.now() + Number(maxAge) * 1000
  }
  const atMs = expires === undefined ? Number.NaN : Date.parse(expires)
  return Number.isNaN(atMs) ? Number.POSITIVE_INFINITY : atMs
}

/** Where a cookie without a path belongs: to the folder of the request that it came with. */
function folderOf(path: string): string {
  const pathname = path.split("?", 1)[0]!
  const end = pathname.lastIndexOf("/")
  return end <= 0 ? "/" : pathname.slice(0, end)
}

function matches(pathname: string, cookiePath: string): boolean {
  if (!pathname.startsWith(cookiePath)) return false
  return (
    pathname.length === cookiePath.length ||
    cookiePath.endsWith("/") ||
    pathname[cookiePath.length] === "/"
  )
}
