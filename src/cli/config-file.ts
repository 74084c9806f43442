/** Finds `capstan.config.ts`, reads it, and says what is wrong with it. */
import { existsSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { type Stage, stagesOf } from "../kubernetes/config/stages.ts"
import { Failure } from "./failure.ts"
import { described, loadFailure } from "./load-failure.ts"
import { understood } from "./understood.ts"

export interface ConfigFlags {
  /** A file; left out: the nearest. */
  readonly config?: string | undefined
  readonly environment?: string | undefined
}

const names = ["ts", "mts", "js", "mjs"].map((ending) => `capstan.config.${ending}`)

/**
 * What the configuration file says, the stronger last; nothing where there is no file.
 * @param folder where to begin: a file counts for what lies beside it and below it, as far as the
 * package goes.
 * @throws {Failure} with exit code 2 when it is there and can't be used.
 */
export async function configuredStages(
  { config: typed, environment }: ConfigFlags,
  folder: string,
): Promise<readonly Stage[]> {
  const file = typed === undefined ? nearest(folder) : resolve(typed)
  if (file === undefined) {
    if (environment === undefined) return []
    throw new Failure(
      2,
      `There is no ${names[0]} that would say what the environment ${environment} is.`,
      "It is looked for beside MODULE and above it, up to the folder with package.json.",
    )
  }
  if (!existsSync(file)) throw new Failure(2, `There is no file ${typed}.`)
  const short = relative(process.cwd(), file)
  const shown = short !== "" && short.length < file.length ? short : file
  const config = await load(file, shown)
  return understood(() => stagesOf(config, environment, shown))
}

function nearest(folder: string): string | undefined {
  for (let place = resolve(folder); ; place = dirname(place)) {
    const found = names.map((name) => join(place, name)).find((file) => existsSync(file))
    const isEnd = existsSync(join(place, "package.json")) || place === dirname(place)
    if (found !== undefined || isEnd) return found
  }
}

async function load(file: string, shown: string): Promise<unknown> {
  const url = pathToFileURL(file)
  let module: Readonly<Record<string, unknown>>
  try {
    module = await import(url.href)
  } catch (error) {
    throw new Failure(2, `${shown} can't be read.`, described(loadFailure(error, url)).join("\n"))
  }
  if (module.config !== undefined) return module.config
  const hint =
    module.default === undefined
      ? "Write in it:  export const config = defineConfig({ … })"
      : "It has a default export; give it its name:  export const config = defineConfig({ … })"
  throw new Failure(2, `${shown} exports no \`config\`.`, hint)
}
