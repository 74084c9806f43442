/**
 * What Fastify has for others: its own schemas' compilers, requests that tests inject, versions of
 * plugins, TLS. In a bundle it would be half of what is read at each start. Nothing of it is left out,
 * since a service may use Fastify as well; it only comes when it is asked for, most of it out of a
 * file of its own.
 */
import { createRequire, isBuiltin } from "node:module"
import { dirname } from "node:path"
import type { Plugin } from "esbuild"

const require = createRequire(import.meta.url)

/** Required in the middle of what it does. */
const atNeed = [
  "@fastify/ajv-compiler",
  "@fastify/fast-json-stringify-compiler",
  "light-my-request",
]
/** Required at once, and used for what most services don't have. */
const atUse = ["semver", "node:http2", "node:https"]

const lateFile = "late"

/** The file of its own, as an entry point of the bundle. */
export const lateEntryPoint = { in: "late", out: lateFile }

export const late: Plugin = {
  name: "late",
  setup({ onResolve, onLoad }) {
    const resolveDir = dirname(require.resolve("fastify"))
    onResolve({ filter: new RegExp(`^(${[...atNeed, ...atUse].join("|")})$`) }, (asked) => {
      const isFastify = /[\\/]node_modules[\\/]fastify[\\/]/.test(asked.importer)
      return isFastify ? { path: asked.path, namespace: "late" } : undefined
    })
    onResolve({ filter: /^late$/ }, ({ kind, path }) =>
      kind === "entry-point" ? { path, namespace: "late-entry" } : undefined,
    )
    onResolve({ filter: /./, namespace: "late" }, ({ path }) =>
      path === `./${lateFile}.js` ? { path, external: true } : undefined,
    )
    onLoad({ filter: /./, namespace: "late-entry" }, () => ({
      contents: `export const load = {\n${atNeed
        .map((name) => `"${name}": () => require("${name}"),\n`)
        .join("")}}`,
      resolveDir,
    }))
    onLoad({ filter: /./, namespace: "late" }, ({ path }) => {
      if (atNeed.includes(path)) {
        return { contents: `module.exports = require("./${lateFile}.js").load["${path}"]()` }
      }
      const found = isBuiltin(path) ? `process.getBuiltinModule("${path}")` : `require("${path}")`
      return {
        contents: `module.exports = new Proxy({}, { get: (_, name) => ${found}[name] })`,
        resolveDir,
      }
    })
  },
}
