/** A registry of packages on loopback, and what it was asked. */
import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"

type Files = Readonly<Record<string, string>>

export interface Asked {
  readonly path: string
  readonly token: string | undefined
}

export class Registry implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly #server: Server
  readonly #packages = new Map<string, { readonly manifest: object; tarball: Buffer }>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param token which it wants of whoever asks. */
  static async start(token?: string): Promise<Registry> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? "")
      const [, given] = /^Bearer (.*)$/.exec(request.headers.authorization ?? "") ?? []
      registry.asked.push({ path, token: given })
      if (given !== token) {
        response.writeHead(401).end("{}")
        return
      }
      const answer = registry.#answer(path)
      response.writeHead(answer === undefined ? 404 : 200).end(answer ?? "{}")
    })
    const registry = new Registry(server)
    await once(server.listen(0, "127.0.0.1"), "listening")
    return registry
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Publishes files, among them a package.json. Returns what a lockfile has of their tarball. */
  publish(files: Files): string {
    const manifest = JSON.parse(files["package.json"] ?? "{}")
    const tarball = packed(files)
    this.#packages.set(manifest.name, { manifest, tarball })
    return integrityOf(tarball)
  }

  /** Has another tarball where a package's is, of which it tells nothing. */
  tamper(name: string, files: Files): void {
    this.#packages.get(name)!.tarball = packed(files)
  }

  #answer(path: string): Buffer | string | undefined {
    const [, name = "", isTarball] = /^\/((?:@[^/]+\/)?[^/]+)(\/-\/)?/.exec(path) ?? []
    const found = this.#packages.get(name)
    if (found === undefined) return undefined
    if (isTarball !== undefined) return found.tarball
    const { version } = found.manifest as { readonly version: string }
    const dist = { tarball: `${this.url}${name}/-/${version}.tgz` }
    const time = { [version]: "2025-01-01T00:00:00.000Z" }
    return JSON.stringify({ name, time, versions: { [version]: { ...found.manifest, dist } } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server.close(), "close")
    this.#server.closeAllConnections()
    await closed
  }
}

function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash("sha512").update(bytes).digest("base64")}`
}

/** A package as `npm pack` makes it: files of ustar below `package/`. */
function packed(files: Files): Buffer {
  const blocks = Object.entries(files).flatMap(([path, text]) => {
    const body = Buffer.from(text)
    const header = Buffer.alloc(512)
    header.write(`package/${path}`)
    header.write("0000644\0", 100)
    header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124)
    header.write("00000000000\0", 136)
    header.write("        0", 148)
    header.write("ustar\x0000", 257)
    const sum = header.reduce((all, byte) => all + byte, 0)
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}
