/**
 * What lockfiles say of the packages that they know, in one shape for those of npm, pnpm, Yarn and Bun.
 *
 * Read is what it takes to have the same bytes again: where they are from, and their integrity. Who
 * needs whom is seen in node_modules, where it is the truth of what was tried.
 */
import { parse, parseAllDocuments } from "yaml"

/** What a package says it is for; one that says nothing is for all. */
export interface Bounds {
  readonly os?: string | readonly string[]
  readonly cpu?: string | readonly string[]
  readonly libc?: string | readonly string[]
}

/** A package as a lockfile knows it. */
export interface Locked extends Bounds {
  /** Its own, whatever it is called where it is imported. */
  readonly name: string
  /** Undefined where the lockfile has none: it may be of any. */
  readonly version: string | undefined
  readonly integrity: string | undefined
  /** Where its tarball is; undefined where a registry tells that, which is asked by name and version. */
  readonly url: string | undefined
  /** Why its bytes can't be had by the lockfile, in words that follow its name; undefined of all others. */
  readonly apart: string | undefined
}

type Format = (text: string) => readonly Locked[]

/** By the file's name. The first of some that lie side by side counts. */
export const formats: Readonly<Record<string, Format>> = {
  "npm-shrinkwrap.json": ofNpm,
  "package-lock.json": ofNpm,
  "pnpm-lock.yaml": ofPnpm,
  "yarn.lock": ofYarn,
  "bun.lock": ofBun,
}

const ofProject = "is of the project"
const ofGit = "is from git"
const isPatched = "is patched"

/** Why a specifier's bytes can't be had, by how it begins. */
function apartness(from: string): string | undefined {
  if (/^(?:file|link|portal|workspace|root):/.test(from)) return ofProject
  if (from.startsWith("patch:")) return isPatched
  const isGit = /^(?:git[+:@]|github:|gitlab:|bitbucket:|ssh:)|\.git(?:#|$)/.test(from)
  // The hosts pack these anew for whoever asks, and not always into the same bytes.
  const isOfHost = /^https?:\/\/(?:codeload\.github\.com|gitlab\.com|bitbucket\.org)\//.test(from)
  return isGit || isOfHost ? ofGit : undefined
}

/** Tarballs of registries that stand for whichever the project's configuration names. */
const isPublic = /^https?:\/\/registry\.(?:npmjs\.org|yarnpkg\.com)\//

function urlIn(resolved: string | undefined): string | undefined {
  return resolved === undefined || isPublic.test(resolved) ? undefined : resolved
}

interface NpmEntry extends Bounds {
  readonly name?: string
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly bundled?: boolean
  readonly dependencies?: Readonly<Record<string, unknown>>
}

interface NpmLock {
  readonly packages?: Readonly<Record<string, NpmEntry>>
  readonly dependencies?: Readonly<Record<string, NpmEntry>>
}

function ofNpm(text: string): readonly Locked[] {
  const { packages, dependencies = {} } = JSON.parse(text) as NpmLock
  if (packages === undefined) return ofOldNpm(dependencies)
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (path === "" || entry.link === true) return []
    const placed = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
    const name = entry.name ?? placed ?? path
    return [fromNpm(name, entry.version, entry, placed === undefined)]
  })
}

/** As npm wrote them before its seventh version: one in another, and in `version` where it is from. */
function ofOldNpm(entries: Readonly<Record<string, NpmEntry>>): readonly Locked[] {
  return Object.entries(entries).flatMap(([placed, entry]) => {
    const said = entry.version ?? ""
    const [, alias] = /^npm:(.+)@[^@]+$/.exec(said) ?? []
    const version = /^\d/.test(said) ? said : alias && said.slice(said.lastIndexOf("@") + 1)
    const resolved = entry.resolved ?? (version === undefined ? said : undefined)
    const below = (entry.dependencies ?? {}) as Readonly<Record<string, NpmEntry>>
    const own = { ...entry, ...(resolved === undefined ? {} : { resolved }) }
    return [fromNpm(alias ?? placed, version, own, false), ...ofOldNpm(below)]
  })
}

function fromNpm(
  name: string,
  version: string | undefined,
  entry: NpmEntry,
  isOfProject: boolean,
): Locked {
  const { resolved, integrity, inBundle, bundled } = entry
  const inOther = inBundle === true || bundled === true ? "comes in another's tarball" : undefined
  return {
    ...boundsOf(entry),
    ...{ name, version, integrity },
    url: urlIn(resolved),
    apart: isOfProject ? ofProject : (inOther ?? apartness(resolved ?? "")),
  }
}

interface PnpmEntry extends Bounds {
  readonly name?: string
  readonly version?: string
  readonly resolution?: {
    readonly integrity?: string
    readonly tarball?: string
    readonly type?: string
    readonly gitHosted?: boolean
  }
}

interface PnpmLock {
  readonly packages?: Readonly<Record<string, PnpmEntry>>
  readonly patchedDependencies?: Readonly<Record<string, unknown>>
}

function ofPnpm(text: string): readonly Locked[] {
  const documents = parseAllDocuments(text)
  const [error] = documents.flatMap((each) => each.errors)
  if (error !== undefined) throw error
  const locks = documents.map((each) => (each.toJS() ?? {}) as PnpmLock)
  const patched = locks.flatMap((each) => Object.keys(each.patchedDependencies ?? {}))
  const entries = locks.flatMap((each) => Object.entries(each.packages ?? {}))
  return entries.map(([key, entry]) => {
    // `/name@1.0.0(peer@2.0.0)` before the ninth version of the format, and without the slash since.
    const [, inKey = key, from = ""] = /^\/?(@?[^@(]+)@([^(]+)/.exec(key) ?? []
    const name = entry.name ?? inKey
    const version = entry.version ?? (/^\d/.test(from) ? from : undefined)
    const { integrity, tarball, type, gitHosted } = entry.resolution ?? {}
    const kind = { git: ofGit, directory: ofProject }[type ?? ""]
    const isGit = gitHosted === true ? ofGit : undefined
    return {
      ...boundsOf(entry),
      ...{ name, version, integrity },
      url: urlIn(tarball),
      apart: patchedIn(patched, name, version) ?? kind ?? isGit ?? apartness(tarball ?? from),
    }
  })
}

function patchedIn(
  patched: readonly string[],
  name: string,
  version: string | undefined,
): string | undefined {
  const isThis = (each: string): boolean => each === name || each.startsWith(`${name}@`)
  // A patch may be for a range of versions, which then is copied in others too: as it is installed.
  const exact = patched.includes(`${name}@${version}`)
  const isRange = patched.some((each) => isThis(each) && !/@\d+\.\d+\.\d+[^ ]*$/.test(each))
  return exact || isRange ? isPatched : undefined
}

function ofYarn(text: string): readonly Locked[] {
  return /^__metadata:/m.test(text) ? ofYarnBerry(text) : ofYarnClassic(text)
}

/** Yarn's first format, a list of blocks: specifiers in the first line, and fields below them. */
function ofYarnClassic(text: string): readonly Locked[] {
  return text.split(/\r?\n(?=\S)/).flatMap((block) => {
    const [head = "", ...lines] = block.split(/\r?\n/)
    const [, typed, from = ""] = /^"?(@?[^@"]+)@([^",:]*(?::[^",]*)?)/.exec(head) ?? []
    const field = (name: string): string | undefined => {
      const line = lines.find((each) => each.startsWith(`  ${name} `))
      return line?.slice(name.length + 3).replaceAll('"', "")
    }
    if (typed === undefined) return []
    const [resolved, sha1] = (field("resolved") ?? "").split("#")
    const [, alias] = /^npm:(@?[^@]+)/.exec(from) ?? []
    const ofSha1 = /^[0-9a-f]{40}$/.test(sha1 ?? "")
      ? `sha1-${Buffer.from(sha1 ?? "", "hex").toString("base64")}`
      : undefined
    return {
      name: alias ?? typed,
      version: field("version"),
      integrity: field("integrity") ?? ofSha1,
      url: urlIn(resolved || undefined),
      apart: apartness(from) ?? apartness(field("resolved") ?? ""),
    }
  })
}

interface BerryEntry {
  readonly version?: string
  readonly resolution?: string
  readonly conditions?: string
}

/** Yarn's format since its second version, which has checksums of archives that it makes itself. */
function ofYarnBerry(text: string): readonly Locked[] {
  const entries = Object.values(parse(text) as Readonly<Record<string, BerryEntry>>)
  return entries.flatMap(({ version, resolution, conditions = "" }) => {
    const [, name, from = ""] = /^(@?[^@]+)@(.+)$/.exec(resolution ?? "") ?? []
    if (name === undefined) return []
    const apart = apartness(from) ?? "has no integrity in a yarn.lock of Yarn 2 or later"
    const bounds = Object.fromEntries(
      ["os", "cpu", "libc"].flatMap((field) => {
        const all = conditions.matchAll(new RegExp(`\\b${field}=(!?[\\w-]+)`, "g"))
        const named = Array.from(all, ([, of = ""]) => of)
        return named.length === 0 ? [] : [[field, named]]
      }),
    ) as Bounds
    const said = apart === ofProject ? undefined : version
    return { ...bounds, name, version: said, integrity: undefined, url: undefined, apart }
  })
}

interface BunLock {
  readonly packages?: Readonly<Record<string, readonly unknown[]>>
  readonly patchedDependencies?: Readonly<Record<string, string>>
}

/** Bun's is JSON with commas at the ends of lists, which to YAML is the same as without. */
function ofBun(text: string): readonly Locked[] {
  const { packages = {}, patchedDependencies = {} } = parse(text) as BunLock
  const patched = Object.keys(patchedDependencies)
  return Object.values(packages).map((entry) => {
    const [, name = "", from = ""] = /^(@?[^@]+)@(.*)$/.exec(String(entry[0])) ?? []
    const version = /^\d/.test(from) ? from : undefined
    const [registry, info, integrity] =
      version === undefined ? [from, ...entry.slice(1)] : entry.slice(1)
    const { bundled, ...bounds } = (info ?? {}) as Bounds & { readonly bundled?: boolean }
    return {
      ...boundsOf(bounds),
      ...{ name, version },
      integrity: typeof integrity === "string" ? integrity : undefined,
      // A registry alone says no more than the configuration does.
      url: /\.t(?:ar\.)?gz$/.test(String(registry)) ? urlIn(String(registry)) : undefined,
      apart:
        patchedIn(patched, name, version) ??
        (bundled === true ? "comes in another's tarball" : apartness(version ?? from)),
    }
  })
}

function boundsOf({ os, cpu, libc }: Bounds): Bounds {
  return {
    ...(os === undefined ? {} : { os }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(libc === undefined ? {} : { libc }),
  }
}
