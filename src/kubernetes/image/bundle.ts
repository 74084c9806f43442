/**
 * A service and the server that serves it, in a folder that plain Node runs: `node server.js`.
 *
 * Four entry points are bundled together and share their chunks: the server, the worker, the thread
 * that a worker has beside it where it is a process, and the service that server and worker import
 * by its URL. They have to stay files, because a thread or a process begins with a file of its own;
 * and all chunks lie beside them, because the pool looks for `./worker.js` from wherever its own code
 * ended up. Sharing also means that there is one copy of Capstan and one of the service in a thread,
 * as there is without a bundle. A fifth has what Fastify seldom needs: late.ts.
 *
 * Nothing is minified: a stack trace from production should say something, and the whitespace is a
 * tenth of an image layer that is compressed anyway.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { build, type Metafile, type OutputFile, type Plugin } from "esbuild"
import { OptionError } from "../option.ts"
import { nodeMajorMin } from "./base.ts"
import { late, lateEntryPoint } from "./late.ts"
import { OwnFiles, projectFolder } from "./own-files.ts"
import { type WholePackage, WholePackages } from "./whole.ts"

export interface BundleSource {
  /** The module that exports the service. */
  readonly service: string
  /** The program that serves the `service.js` beside it. */
  readonly server: string
  /** The program of a worker, be it a thread or a process. */
  readonly worker: string
  /** The program of the thread that a worker has beside it where it is a process. */
  readonly lifeline: string
  /** What `import "capstan"` means. */
  readonly capstan: string
  /** Packages to put beside the bundle, whole, whatever their code says, and with all that they have. */
  readonly external: readonly string[]
  /** The folder of the project: its files keep their places from there. */
  readonly project: string
  /** Files of the project that go into the image beside those that the code names. Absolute. */
  readonly files: readonly string[]
  /** What the bundle calls itself. */
  readonly name: string
  readonly version: string
}

export interface Bundle {
  /** What has to lie beside it, in the versions that the service has now. */
  readonly packages: readonly WholePackage[]
  /** The files whose code is in it. */
  readonly modules: readonly string[]
  /** What a person should know of it, in sentences. */
  readonly notes: readonly string[]
}

/** What can't be bundled. The message is esbuild's, which names file and line. */
export class BundleError extends Error {
  override readonly name = "BundleError"
}

/** Each time something is learnt that the next one is made by; packages bring packages. */
const attemptsMax = 50

/** Of the whole bundle, or of the service alone: a tenth of the work, which shows as much of it. */
type Extent = "whole" | "service"

/**
 * Writes the bundle into `folder`, which must be empty or not there.
 *
 * What has to come whole, and which modules are started by their place, shows in what is bundled: so
 * it is made again until it shows nothing new. For most services the first one is the last; for others
 * the service is bundled alone until there is nothing to be learnt of it, and then the whole again.
 * @throws {BundleError} when something that is imported is not there, or can't be bundled.
 * @throws {OptionError} when nothing imports a package that is to be external.
 */
export async function bundle(source: BundleSource, folder: string): Promise<Bundle> {
  const whole = new WholePackages(source.external)
  const own = new OwnFiles(source.project, dirname(source.capstan), (name, folder) =>
    whole.lookFor(name, folder),
  )
  mkdirSync(folder, { recursive: true })
  let extent: Extent = "whole"
  for (let attempt = 1; ; attempt++) {
    const before = `${own.known} ${whole.known}`
    const attempted = await attemptIn(source, folder, own, whole, extent).catch(
      (error: unknown) => {
        // What can't be bundled may well do whole: that is told then.
        const isNews = failedFiles(error, source.service).map((file) =>
          whole.take(file, "can't be bundled"),
        )
        if (isNews.includes(true) && attempt < attemptsMax) return undefined
        throw new BundleError(told(error), { cause: error })
      },
    )
    const { outputs = [], modules = [], names, inputs = [] } = attempted ?? {}
    await whole.read(modules)
    const isLearning = before !== `${own.known} ${whole.known}` && attempt < attemptsMax
    if (isLearning || extent === "service") {
      extent = isLearning ? "service" : "whole"
      continue
    }
    refuseStrays(whole.strays())
    for (const { path, text } of outputs) writeFileSync(path, renamed(text, names))
    const taken = own.taken(source.files)
    for (const { from, to } of taken.files) {
      const place = join(folder, projectFolder, to)
      mkdirSync(dirname(place), { recursive: true })
      copyFileSync(from, place)
    }
    writeManifest(source, folder)
    const packages = whole.found()
    return { packages, modules: inputs, notes: [...whole.untold(modules), ...taken.notes] }
  }
}

interface Attempted {
  readonly outputs: readonly OutputFile[]
  /** Those of packages that the service has brought into it. */
  readonly modules: readonly string[]
  /** All files whose code is in it. */
  readonly inputs: readonly string[]
  /** By how esbuild calls them, what modules are called in the bundle. */
  readonly names: ReadonlyMap<string, string>
}

/** Bundles once, and writes nothing yet. */
async function attemptIn(
  source: BundleSource,
  folder: string,
  own: OwnFiles,
  whole: WholePackages,
  extent: Extent,
): Promise<Attempted> {
  const ours = [
    { in: source.server, out: "server" },
    { in: source.worker, out: "worker" },
    { in: source.lifeline, out: "lifeline" },
    lateEntryPoint,
  ]
  const { outputFiles, metafile } = await build({
    entryPoints: [
      ...(extent === "whole" ? ours : []),
      { in: source.service, out: "service" },
      ...own.programs(),
    ],
    outdir: folder,
    absWorkingDir: dirname(source.service),
    bundle: true,
    splitting: true,
    chunkNames: "[name]-[hash]",
    platform: "node",
    format: "esm",
    target: `node${nodeMajorMin}`,
    ...(extent === "whole" ? { alias: { capstan: source.capstan } } : { external: ["capstan"] }),
    define: { capstanStart: JSON.stringify(own.start) },
    banner: { js: `${bundleMark}\n${wordsOfCommonJs}` },
    plugins: [whole.plugin, own.plugin, swaggerUi(folder), late],
    // What is imported runs, as without a bundle: what packages say of side effects may not be so.
    ignoreAnnotations: true,
    logLevel: "silent",
    metafile: true,
    write: false,
  })
  const begin = [source.service, ...own.programs().map((program) => program.in)]
  const modules = broughtIn(metafile, dirname(source.service), begin, dirname(source.capstan))
  const names = namesOf(metafile, dirname(source.service), dirname(source.capstan))
  const taken = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const inputs = taken.map((path) => resolve(dirname(source.service), path))
  return { outputs: outputFiles, modules, names, inputs }
}

/**
 * What modules are called that esbuild calls by the way to them from the service. That way may lead
 * through all of this machine, to a package manager's store or to wherever Capstan is installed.
 */
function namesOf({ inputs }: Metafile, from: string, capstan: string): ReadonlyMap<string, string> {
  return new Map(
    Object.keys(inputs).flatMap((path) => {
      const inPackage = path.lastIndexOf("node_modules/")
      if (inPackage >= 0) return [[path, path.slice(inPackage)] as const]
      const ours = relative(capstan, resolve(from, path))
      return ours.startsWith("..") ? [] : [[path, `capstan/${ours}`] as const]
    }),
  )
}

/** Code with other names for its modules, which stand in comments, and where CommonJS begins. */
function renamed(code: string, names: ReadonlyMap<string, string> = new Map()): string {
  return code.replaceAll(
    /^(\/\/ | {2}")([^"\n]+?)(?="\(|$)/gm,
    (all, before: string, name: string) => {
      const other = names.get(name)
      return other === undefined ? all : before + other
    },
  )
}

/** With this each file of a bundle begins. */
export const bundleMark = "// Made by `capstan image`, which writes it anew."

/** Libraries in CommonJS expect these, which a module does not have by itself. */
const wordsOfCommonJs = [
  'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url)',
  "const __filename = import.meta.filename",
  "const __dirname = import.meta.dirname",
].join("\n")

/** The only one of our own packages that reads files which lie beside it. */
function swaggerUi(folder: string): Plugin {
  const moved: Readonly<Record<string, readonly [is: string, becomes: string]>> = {
    "index.js": ["path.join(__dirname, './static/", "path.join(__dirname, './swagger-ui/"],
    "routes.js": ["path.join(__dirname, '..', 'static')", "path.join(__dirname, 'swagger-ui')"],
  }
  return {
    name: "swagger-ui",
    setup({ onLoad }) {
      onLoad({ filter: /@fastify[\\/]swagger-ui[\\/](index|lib[\\/]routes)\.js$/ }, ({ path }) => {
        const [is, becomes] = moved[basename(path)]!
        const text = readFileSync(path, "utf8")
        if (!text.includes(is)) {
          throw new Error(`${path} no longer has ${is}: this version of it can't be bundled.`)
        }
        const root = basename(path) === "index.js" ? dirname(path) : join(dirname(path), "..")
        cpSync(join(root, "static"), join(folder, "swagger-ui"), {
          recursive: true,
          // The page loads swagger-ui-bundle.js; this is the same for bundlers.
          filter: (file) => basename(file) !== "swagger-ui.js",
        })
        return { contents: text.replaceAll(is, becomes), loader: "js" }
      })
    },
  }
}

/** The modules that are reached from some, other than by our own code. */
function broughtIn(
  { inputs }: Metafile,
  from: string,
  begin: readonly string[],
  capstan: string,
): readonly string[] {
  const byPath = new Map(
    Object.entries(inputs).map(([path, input]) => [resolve(from, path), input]),
  )
  const seen = new Set<string>(begin)
  for (const path of seen) {
    if (path.startsWith(join(capstan, "/"))) continue
    for (const each of byPath.get(path)?.imports ?? []) {
      if (each.external !== true) seen.add(resolve(from, each.path))
    }
  }
  return [...seen].filter((path) => path.includes("node_modules") && existsSync(path)).toSorted()
}

function refuseStrays([name, ...more]: readonly string[]): void {
  if (name === undefined) return
  const names = [name, ...more].join(", ")
  throw new OptionError(
    `external has ${names}, which nothing imports: it would not be in the image. Import it where it is used; what other packages need comes along with them.`,
  )
}

function writeManifest({ name, version }: BundleSource, folder: string): void {
  const manifest = { name, version, private: true, type: "module" }
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Where bundling has failed, by file. */
function failedFiles(error: unknown, service: string): readonly string[] {
  const { errors = [] } = error as Partial<EsbuildFailure>
  return errors.flatMap(({ location }) =>
    location === null ? [] : [resolve(dirname(service), location.file)],
  )
}

interface EsbuildFailure {
  readonly errors: readonly {
    readonly text: string
    readonly location: { readonly file: string; readonly line: number } | null
  }[]
}

function told(error: unknown): string {
  const { errors = [] } = error as Partial<EsbuildFailure>
  if (errors.length === 0) return error instanceof Error ? error.message : String(error)
  return errors
    .slice(0, 5)
    .map(({ text, location }) =>
      location === null ? text : `${location.file}:${location.line}: ${text}`,
    )
    .join("\n")
}
