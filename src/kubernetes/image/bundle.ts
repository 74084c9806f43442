/**
 * A service and the server that serves it, in a folder that plain Node runs: `node server.js`.
 *
 * Three entry points are bundled together and share their chunks: the server, the worker, and the
 * service that both import by its URL. They have to stay three files, because a thread begins with a
 * file of its own; and all chunks lie beside them, because the pool looks for `./worker.js` from
 * wherever its own code ended up. Sharing also means that there is one copy of Capstan and one of the
 * service in a thread, as there is without a bundle. A fourth has what Fastify seldom needs: late.ts.
 *
 * Nothing is minified: a stack trace from production should say something, and the whitespace is a
 * tenth of an image layer that is compressed anyway.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { build, type Plugin } from "esbuild"
import { late, lateEntryPoint } from "./late.ts"
import { type NativePackage, nativePackages } from "./native.ts"

export interface BundleSource {
  /** The module that exports the service. */
  readonly service: string
  /** The program that serves the `service.js` beside it. */
  readonly server: string
  /** The program of a worker thread. */
  readonly worker: string
  /** What `import "capstan"` means. */
  readonly capstan: string
  /** Packages to install beside the bundle rather than put into it. */
  readonly external: readonly string[]
  /** What the bundle calls itself. */
  readonly name: string
  readonly version: string
}

export interface Bundle {
  /** What has to be installed beside it, in the versions that the service has now. */
  readonly packages: readonly NativePackage[]
}

/** What can't be bundled. The message is esbuild's, which names file and line. */
export class BundleError extends Error {
  override readonly name = "BundleError"
}

/**
 * Writes the bundle into `folder`, which must be empty or not there.
 * @throws {BundleError} when something that is imported is not there, or can't be bundled.
 */
export async function bundle(source: BundleSource, folder: string): Promise<Bundle> {
  const natives = nativePackages(source.external)
  try {
    await build({
      entryPoints: [
        { in: source.server, out: "server" },
        { in: source.worker, out: "worker" },
        { in: source.service, out: "service" },
        lateEntryPoint,
      ],
      outdir: folder,
      absWorkingDir: dirname(source.service),
      bundle: true,
      splitting: true,
      chunkNames: "[name]-[hash]",
      platform: "node",
      format: "esm",
      target: "node24",
      alias: { capstan: source.capstan },
      banner: { js: `${bundleMark}\n${wordsOfCommonJs}` },
      plugins: [natives.plugin, swaggerUi(folder), late],
      logLevel: "silent",
    })
  } catch (error) {
    throw new BundleError(told(error), { cause: error })
  }
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ name: source.name, version: source.version, private: true, type: "module" }, null, 2)}\n`,
  )
  return { packages: natives.found() }
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
