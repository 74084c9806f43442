/**
 * What a registry says of an image when it is asked from here, without a login: whether it is there,
 * and what it runs on. The nodes ask by themselves later, perhaps with a login and on other ways, so
 * only "it is not there" is an answer for them as well; everything else is not known.
 *
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
import { fullName } from "../image/dockerfile.ts"

export type ImageFound =
  /** `platforms` as in `linux/amd64`; none when it does not say. */
  | { readonly kind: "there"; readonly platforms: readonly string[] }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown"; readonly why: string }

/** A registry that takes longer would hold up the deploy for what the nodes will tell anyway. */
const patienceMs = 5_000

const accepted = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ")

interface Manifest {
  readonly manifests?: readonly {
    readonly platform?: { readonly os: string; readonly architecture: string }
  }[]
  readonly config?: { readonly digest: string }
}

export async function findImage(image: string): Promise<ImageFound> {
  const { registry, repository, reference } = parseImage(image)
  const scheme = /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(registry) ? "http" : "https"
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry
  const root = `${scheme}://${host}/v2/${repository}`
  const signal = AbortSignal.timeout(patienceMs)
  try {
    const ask = await asker(`${root}/manifests/${reference}`, signal)
    const answer = await ask(`${root}/manifests/${reference}`, accepted)
    if (answer.status === 404) return { kind: "missing" }
    if (answer.status === 401 || answer.status === 403) {
      return { kind: "unknown", why: `${registry} shows it only to those who log in` }
    }
    if (!answer.ok) return { kind: "unknown", why: `${registry} answered ${answer.status}` }
    const manifest = (await answer.json()) as Manifest
    if (manifest.manifests !== undefined) {
      const platforms = manifest.manifests
        .map(({ platform }) => `${platform?.os}/${platform?.architecture}`)
        .filter((platform) => !platform.includes("unknown") && !platform.includes("undefined"))
      return { kind: "there", platforms }
    }
    const config = await ask(`${root}/blobs/${manifest.config?.digest}`, "*/*")
    if (!config.ok) return { kind: "there", platforms: [] }
    const { os, architecture } = (await config.json()) as { os?: string; architecture?: string }
    return { kind: "there", platforms: os && architecture ? [`${os}/${architecture}`] : [] }
  } catch (error) {
    const { name, cause } = error as Error & { readonly cause?: { readonly code?: string } }
    const why = name === "TimeoutError" ? "it did not answer in time" : (cause?.code ?? name)
    return { kind: "unknown", why: `${registry} can't be asked from here: ${why}` }
  }
}

type Ask = (url: string, accept: string) => Promise<Response>

/** Public images, too, want a token, which anybody gets where the refusal says. */
async function asker(url: string, signal: AbortSignal): Promise<Ask> {
  const plain: Ask = (url, accept) => fetch(url, { signal, headers: { accept } })
  const first = await fetch(url, { method: "HEAD", signal, headers: { accept: accepted } })
  const challenge = first.headers.get("www-authenticate") ?? ""
  if (first.status !== 401 || !/^bearer /i.test(challenge)) return plain
  const said = new Map(
    Array.from(challenge.matchAll(/\b(\w+)="([^"]*)"/g), ([, key = "", value = ""]) => [
      key,
      value,
    ]),
  )
  const realm = said.get("realm") ?? ""
  if (!URL.canParse(realm)) return plain
  const where = new URL(realm)
  for (const key of ["service", "scope"]) {
    const value = said.get(key)
    if (value !== undefined) where.searchParams.set(key, value)
  }
  const answer = await fetch(where, { signal })
  if (!answer.ok) return plain
  const { token, access_token } = (await answer.json()) as Partial<Record<string, string>>
  const authorization = `Bearer ${token ?? access_token}`
  return (url, accept) => fetch(url, { signal, headers: { accept, authorization } })
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
