/** The services of docs/recipes.md, each with its calls, as files of a project. */
import { execFile } from "node:child_process"
import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { anchors, fences } from "../support/markdown.ts"
import { read, root } from "../support/repository.ts"
import { type Call, callsIn } from "./documented.ts"

export interface Recipe {
  /** The service's file, from the folder of the project. */
  readonly module: string
  readonly calls: readonly Call[]
  /** Undefined where it takes what any service takes. */
  readonly memory: RecipeMemory | undefined
}

/** What a service takes, as the document's table has it. */
interface RecipeMemory {
  readonly oneWorkerMiB: number
  readonly furtherWorkerMiB: number
}

export interface RecipeFile {
  readonly name: string
  readonly text: string
}

const document = read("docs/recipes.md")
const blocks = fences(document)

/** Every module that the document shows. */
export const recipeFiles: readonly RecipeFile[] = blocks.flatMap(({ language, text }) => {
  const name = /^\/\/ (\S+)\n/.exec(text)?.[1]
  return (language === "ts" || language === "js") && name !== undefined ? [{ name, text }] : []
})

/** The recipes in order: a service, and the calls between it and the next one. */
export const recipes: readonly Recipe[] = recipeFiles
  .filter(({ text }) => /^(?:export default|module\.exports =) service\(/m.test(text))
  .map(({ name, text }, index, all) => {
    const from = blocks.findIndex((block) => block.text === text)
    const next = blocks.findIndex((block) => block.text === all[index + 1]?.text)
    return {
      module: name,
      calls: callsIn(blocks.slice(from, next === -1 ? undefined : next)),
      memory: memoryAt(blocks[from]?.line ?? 0),
    }
  })

/** What the table says of the recipe that a line is of. */
function memoryAt(line: number): RecipeMemory | undefined {
  const lines = document.split("\n")
  const heading = lines.slice(0, line).findLast((each) => each.startsWith("## ")) ?? ""
  const [anchor] = anchors(heading)
  const row = lines.find((each) => each.startsWith("| [") && each.includes(`](#${anchor})`))
  if (row === undefined) throw new Error(`The table of docs/recipes.md has no ${heading}`)
  const [one, further] = Array.from(row.matchAll(/\| (\d+) MiB(?= \|)/g), ([, mib]) => Number(mib))
  if (one === undefined || further === undefined) return undefined
  return { oneWorkerMiB: one, furtherWorkerMiB: further }
}

/** Of one workspace's packages: it is tried with each package manager. */
export const inWorkspace = (name: string): boolean => /^(?:apps|packages)\//.test(name)

export function writeAll(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** What all recipes but those of a workspace need beside their code. */
export function writeProject(folder: string): void {
  const manifest = { name: "recipes", version: "1.0.0", type: "module" }
  const own = recipeFiles.filter(({ name }) => !inWorkspace(name))
  const config = {
    extends: `${root}tsconfig.json`,
    compilerOptions: { typeRoots: [`${root}node_modules/@types`], lib: ["es2024", "dom"] },
    include: ["*.ts"],
    exclude: [],
  }
  writeAll(folder, {
    "package.json": JSON.stringify(manifest),
    "tsconfig.json": JSON.stringify(config),
    ...Object.fromEntries(own.map(({ name, text }) => [name, `${text}\n`])),
  })
  symlinkSync(`${root}test/recipes/node_modules`, join(folder, "node_modules"))
  // An image takes packages with compiled code by it.
  copyFileSync(`${root}test/recipes/package-lock.json`, join(folder, "package-lock.json"))
  cpSync(`${root}test/recipes/model`, join(folder, "model"), { recursive: true })
  copyFileSync(`${root}examples/inference/line.png`, join(folder, "line.png"))
}

/** Writes the workspace of the last recipe, and installs it. Returns the folder of its service. */
export async function writeWorkspace(folder: string, by: "npm" | "pnpm"): Promise<string> {
  const link = by === "npm" ? "file" : "link"
  const dependencies = {
    "@acme/primes": by === "npm" ? "*" : "workspace:*",
    capstan: `${link}:${root}`,
    zod: "4.6.7",
  }
  const module = { version: "1.0.0", type: "module" }
  const primes = { name: "@acme/primes", ...module, exports: "./index.ts" }
  const own = recipeFiles.filter(({ name }) => inWorkspace(name))
  writeAll(folder, {
    "package.json": JSON.stringify({ private: true, workspaces: ["apps/*", "packages/*"] }),
    ...(by === "npm" ? {} : { "pnpm-workspace.yaml": "packages: [apps/*, packages/*]\n" }),
    "packages/primes/package.json": JSON.stringify(primes),
    "apps/api/package.json": JSON.stringify({ name: "api", ...module, dependencies }),
    ...Object.fromEntries(own.map(({ name, text }) => [name, text])),
  })
  const program = by === "npm" ? "npm" : `${root}test/recipes/node_modules/.bin/pnpm`
  await promisify(execFile)(program, ["install", "--ignore-scripts"], { cwd: folder })
  return join(folder, "apps/api")
}
