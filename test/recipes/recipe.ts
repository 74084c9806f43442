/** The services of docs/recipes.md, each with its calls, as files of a project. */
import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fences } from "../support/markdown.ts"
import { read, root } from "../support/repository.ts"
import { type Call, callsIn } from "./documented.ts"

export interface Recipe {
  /** The service's file, from the folder of the project. */
  readonly module: string
  readonly calls: readonly Call[]
}

export interface RecipeFile {
  readonly name: string
  readonly text: string
}

const blocks = fences(read("docs/recipes.md"))

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
    return { module: name, calls: callsIn(blocks.slice(from, next === -1 ? undefined : next)) }
  })

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
  cpSync(`${root}test/recipes/model`, join(folder, "model"), { recursive: true })
  copyFileSync(`${root}examples/inference/line.png`, join(folder, "line.png"))
}
