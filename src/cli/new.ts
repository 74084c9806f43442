/** `capstan new NAME`: a service that runs, tests included, with nothing to edit. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { homedir } from "node:os"
import { basename, join, relative, resolve, sep } from "node:path"
import { styleText } from "node:util"
import { Failure } from "./failure.ts"
import { packageRoot } from "./package.ts"
import { print } from "./print.ts"

/**
 * Makes the folder `path`; the last part of it is the service's name.
 * @param capstan where the service takes Capstan from, as npm writes it. @default the one that runs
 * @throws {Failure} with exit code 2 when the name is no package name, something lies there, or
 * `capstan` is a path that leads nowhere.
 */
export function newService(path: string, capstan: string | undefined): void {
  const name = basename(path)
  const wrong = nameProblem(name)
  if (wrong !== undefined) throw new Failure(2, wrong, nameSuggestion(name))
  const target = resolve(path)
  assertFree(path, target)

  const dependency =
    capstan === undefined
      ? localDependency(packageRoot, target)
      : portableDependency(capstan, process.cwd(), target)
  const values = { name, capstan: dependency }
  const template = join(packageRoot, "templates", "service")
  try {
    mkdirSync(target, { recursive: true })
    for (const file of readdirSync(template)) {
      const text = readFileSync(join(template, file), "utf8")
      writeFileSync(join(target, targetName(file)), filledIn(text, values), { flag: "wx" })
    }
  } catch (error) {
    throw new Failure(1, `${path} could not be made: ${(error as Error).message}`)
  }
  print(farewell(path, dependency, capstan === undefined))
}

/**
 * Where a new service takes Capstan from: the copy that is running, by its path from the service's
 * folder. Capstan is not on npm's registry: a version there would be somebody else's package.
 */
export function localDependency(root: string, target: string): string {
  return `file:${relative(target, root).split(sep).join("/")}`
}

/**
 * A dependency as it was typed, for the package.json of the folder `target`. A path is read from
 * where the command runs, as npm reads it, and becomes one from the new folder: it is the same for
 * everybody who has both, and an absolute one is only for this machine.
 * @throws {Failure} with exit code 2 when nothing is there.
 */
export function portableDependency(spec: string, cwd: string, target: string): string {
  const path = pathIn(spec)
  if (path === undefined) return spec
  const full = resolve(cwd, path.replace(/^~(?=[/\\])/, homedir()))
  if (existsSync(full)) return localDependency(full, target)
  throw new Failure(
    2,
    `--capstan is ${JSON.stringify(spec)}, and there is nothing at ${full}.`,
    "Name a folder or a tarball by its path from here, or a version; left out, it is the Capstan that is running.",
  )
}

/** The path in a dependency that is one: `file:…`, or what npm takes for a path as it stands. */
function pathIn(spec: string): string | undefined {
  if (spec.startsWith("file:")) return spec.slice("file:".length).replace(/^\/\/(?=\/)/, "")
  const isPath = /^(?:\.{1,2}$|(?:\.{1,2}|~|[A-Za-z]:)?[/\\])/.test(spec)
  return isPath || /^[^:]+\.(?:tgz|tar|tar\.gz)$/.test(spec) ? spec : undefined
}

/** What is wrong with a name, by npm's rules for new packages; `undefined` when nothing is. */
export function nameProblem(name: string): string | undefined {
  const shown = JSON.stringify(name)
  if (!/^[a-z0-9][a-z0-9._~-]*$/.test(name)) {
    return `${shown} can't be a package's name: it must be lower-case letters, digits, and - . _ ~ after the first.`
  }
  if (name.length > 214) return "A package's name has 214 characters at most."
  if (builtinModules.includes(name)) return `${shown} is the name of a module of Node.`
  if (name === "capstan") return `${shown} is the name of the package that it will depend on.`
  if (name === "node_modules" || name === "favicon.ico")
    return `${shown} is a name that npm forbids.`
  return undefined
}

function nameSuggestion(name: string): string | undefined {
  const better = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._~-]+/g, "-")
    .replaceAll(/^[^a-z0-9]+|-+$/g, "")
  const usable = better !== "" && better !== name && nameProblem(better) === undefined
  return usable ? `Did you mean ${better}?` : `For example: capstan new my-api`
}

function assertFree(path: string, target: string): void {
  const stats = statSync(target, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isDirectory()) throw new Failure(2, `There is a file ${path} already.`)
  if (readdirSync(target).length > 0) {
    throw new Failure(
      2,
      `The folder ${path} exists and is not empty.`,
      "Take another name, or empty it first.",
    )
  }
}

/** npm leaves out some names when it packs, so the template has them under others. */
function targetName(file: string): string {
  return file === "gitignore" ? ".gitignore" : file.replace(/\.template$/, "")
}

function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (placeholder, key: string) => {
    const value = values[key]
    // Every place that has one is within a JSON string, or is plain enough for it to be the same.
    return value === undefined ? placeholder : JSON.stringify(value).slice(1, -1)
  })
}

function farewell(path: string, dependency: string, local: boolean): string {
  const steps = [`cd ${path}`, "npm install", "npm test", "npm run dev"]
  return [
    "",
    `${styleText("bold", basename(path))} is made: service.ts is the service, service.test.ts its test.`,
    ...(local
      ? [
          `It takes Capstan from ${dependency}, the copy that is running, since npm's registry has none yet.`,
        ]
      : []),
    "",
    ...steps.map((step) => `  ${styleText("cyan", step)}`),
    "",
    "Then open http://127.0.0.1:8080/docs",
    "",
    "",
  ].join("\n")
}
