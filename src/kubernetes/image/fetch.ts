/**
 * Packages from registries, byte for byte what the project's lockfile says.
 *
 * npm fetches them, whoever has written the lockfile: it knows registries, credentials, proxies and
 * certificates, unpacks nothing whose integrity is another, and does that on any machine for any
 * platform. It works in a folder of its own, to which the project's .npmrc is linked: what is in that
 * never lies in a second place, and not in the image. No script of a package is run.
 */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { type Lockfile, PackageError } from "./lockfile.ts"
import type { Locked } from "./lockfile-formats.ts"
import { run } from "./run.ts"

/** What the package at a place in a list is fetched as, so that no two have one name. */
export const fetchedAs = (at: number): string => `capstan-fetched-${at}`

/** What the user's configuration may say otherwise, and would spoil it. */
const flags = [
  ...["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-bin-links", "--package-lock"],
  ...["--install-strategy=hoisted", "--no-dry-run", "--no-global", "--no-update-notifier"],
  ...["--no-progress", "--loglevel=error", "--logs-max=0"],
  // How old a version has to be was seen to when it came into the lockfile.
  "--before=9999-12-31",
]

/** Of `npm run -w` and its like, which is about the workspace that we are run in. */
const aside = {
  npm_config_workspace: undefined,
  npm_config_workspaces: undefined,
  npm_config_include_workspace_root: undefined,
}

/**
 * Fetches packages into `folder`, each into `node_modules/` and the name that it is fetched as.
 * @param project the folder of the project, which has an .npmrc where the lockfile's has none.
 * @throws {PackageError} when one can't be had, or is another than the lockfile's.
 */
export async function fetchPackages(
  packages: readonly Locked[],
  lockfile: Lockfile,
  project: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const npmrc = [lockfile.folder, project]
    .map((each) => join(each, ".npmrc"))
    .find((path) => existsSync(path))
  if (npmrc !== undefined) symlinkSync(npmrc, join(folder, ".npmrc"))
  const dependencies = Object.fromEntries(
    packages.map(({ name, version }, at) => [fetchedAs(at), `npm:${name}@${version}`]),
  )
  const entries = packages.map(({ name, version, integrity, url }, at) => [
    `node_modules/${fetchedAs(at)}`,
    { name, version, integrity, ...(url === undefined ? {} : { resolved: url }) },
  ])
  const own = { name: "fetched", version: "1.0.0", dependencies }
  const lock = {
    ...{ name: own.name, version: own.version, lockfileVersion: 3, requires: true },
    packages: { "": own, ...Object.fromEntries(entries) },
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify(own))
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock))
  const args = [...flags, ...scopesOf(lockfile.folder)]
  const { code, output } = await run("npm", args, { signal, cwd: folder, env: aside })
  if (code !== 0) throw failure(packages, lockfile, output)
}

/** Registries by scope as pnpm has them beside the .npmrc, as flags of npm. */
function scopesOf(folder: string): readonly string[] {
  const path = join(folder, "pnpm-workspace.yaml")
  if (!existsSync(path)) return []
  const { registries = {}, registry } = (parse(readFileSync(path, "utf8")) ?? {}) as {
    readonly registries?: Readonly<Record<string, unknown>>
    readonly registry?: unknown
  }
  const pairs = Object.entries(registries).flatMap(([key, value]): [unknown, unknown][] => {
    if (typeof value === "string") return [[key, value]]
    const { scopes = [] } = (value ?? {}) as { readonly scopes?: readonly string[] }
    return scopes.map((scope) => [scope, key])
  })
  return [["default", registry] as const, ...pairs].flatMap(([scope, url]) => {
    if (typeof url !== "string" || url.includes("${")) return []
    return [
      scope === "default" || scope === "@" ? `--registry=${url}` : `--${scope}:registry=${url}`,
    ]
  })
}

/** By how npm calls what went wrong, what that is and what to do. */
const reasons: readonly (readonly [code: RegExp, what: string, advice: string])[] = [
  [
    /EINTEGRITY/,
    "is not what LOCKFILE says: its integrity is another",
    "Somebody else's package may have that name at the registry that was asked. See that the project's .npmrc names the registry of its scope (@scope:registry=https://…); if the package was published anew, install anew.",
  ],
  [
    /E401|E403|ENEEDAUTH|EAUTH/,
    "is not given to whoever asked",
    "The registry wants other credentials: see that the project's or your user's .npmrc has them, and that variables which it names are set.",
  ],
  [
    /E404|ETARGET|ENOVERSIONS/,
    "is not at the registry that was asked",
    "Where it is private, see that the project's .npmrc names the registry of its scope: @scope:registry=https://…",
  ],
  [
    /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EIDLETIMEOUT|ENETUNREACH|EHOSTUNREACH|CERT|VERIFY|SSL|FETCH_ERROR|E5\d\d/,
    "can't be had: its registry can't be reached from here",
    "Packages with compiled code are fetched for the image's platform, which takes their registry: the network, the VPN or the proxy of this machine must lead there.",
  ],
]

function failure(packages: readonly Locked[], { shown }: Lockfile, output: string): PackageError {
  const [, code = ""] = /npm error code (\S+)/.exec(output) ?? []
  const [, , what = "can't be fetched", advice = ""] = [
    undefined,
    ...(reasons.find(([pattern]) => pattern.test(code)) ?? []),
  ]
  // npm names the one by its integrity, its URL, or its name and version.
  const words = output.replaceAll(/%2f/gi, "/").split(/[\s'"]+|[.,:;]+(?=\s)/)
  const named = packages.filter(({ name, version, integrity }) =>
    words.some(
      (word) =>
        word === integrity ||
        word === `${name}@${version}` ||
        word.endsWith(`/${name}`) ||
        word.includes(`/${name}/-/`),
    ),
  )
  const shownOf = (of: readonly Locked[]) => of.map((each) => `${each.name} ${each.version}`)
  const [one, ...more] = shownOf(named.length === 0 ? packages : named)
  const others = more.length === 0 ? "" : ` (or one of ${more.join(", ")})`
  return new PackageError(
    `${one}${others} ${what.replace("LOCKFILE", shown)}.`,
    [output.trim(), advice].filter((each) => each !== "").join("\n"),
  )
}
