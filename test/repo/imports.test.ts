/**
 * Who may know whom. The rooms are those of docs/architecture.md; a room that is not in this table
 * does not pass, so that whoever builds one decides it here.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { findCycle, importsOf, packageOf, target } from "../support/imports.ts"
import { files, read } from "../support/repository.ts"

/** By room, the first that fits: what its modules may import of ours. All may import themselves. */
const rooms: readonly (readonly [room: string, mayImport: readonly string[]])[] = [
  ["src/core/", []],
  ["src/autoscale/", ["src/core/"]],
  ["src/plan/", ["src/autoscale/", "src/core/"]],
  ["src/local/", ["src/autoscale/", "src/core/"]],
  ["src/kubernetes/", ["src/core/"]],
  ["src/load/", ["src/core/"]],
  // The two halves of the service meet in what lies beside them, outcome.ts above all.
  ["src/service/http/", ["src/service/", "src/core/", "!src/service/pool/"]],
  ["src/service/pool/", ["src/service/", "src/core/", "!src/service/http/"]],
  ["src/service/", ["src/core/"]],
  ["src/cli/", ["src/"]],
  // What is published; the command line is not for importing.
  ["src/index.ts", ["src/service/"]],
  ["examples/", []],
  ["templates/", []],
  // What a picture shows of a document is read as the document's tests read it.
  ["scripts/", ["src/", "examples/", "test/support/"]],
  // Namespaces on a cluster, and the command line as a process, are made and ended as in the tests.
  ["bench/cluster/", ["bench/", "src/", "examples/", "test/support/"]],
  ["bench/", ["src/", "examples/"]],
  ["test/", ["src/", "examples/", "bench/", "scripts/", "templates/"]],
]

/** What is wrong with the imports of a file, in words. */
function wrongImports(
  file: string,
  source: string,
  runtimePackages: ReadonlySet<string>,
): readonly string[] {
  const room = rooms.find(([prefix]) => file.startsWith(prefix))
  if (room === undefined) return [`${file} is in no room that this test knows`]
  const [own, mayImport] = room
  const wrong: string[] = []
  for (const imported of importsOf(source)) {
    const to = target(file, imported)
    const name = packageOf(imported)
    if (to !== undefined && !to.startsWith(own) && !allows(mayImport, to)) {
      wrong.push(
        `${file} imports ${to}: ${own} may import ${mayImport.join(", ") || "itself only"}`,
      )
    }
    if (name === undefined || !file.startsWith("src/")) continue
    if (own === "src/core/") wrong.push(`${file} imports ${name}: src/core/ needs no package`)
    if (name === "capstan") wrong.push(`${file} imports capstan: the source names its own files`)
    else if (!runtimePackages.has(name)) {
      wrong.push(`${file} imports ${name}, which is not among the package's dependencies`)
    }
  }
  return wrong
}

function allows(mayImport: readonly string[], to: string): boolean {
  if (mayImport.some((rule) => rule.startsWith("!") && to.startsWith(rule.slice(1)))) return false
  return mayImport.some((rule) => to.startsWith(rule))
}

/** Only the command line reads arguments, prints and exits: a library that does can't be embedded. */
const cliOnly = [
  /\bprocess\.argv\b/,
  /\bconsole\.\w+\(/,
  /\bprocess\.std(?:out|err)\b/,
  /\bprocess\.exit\(/,
]
/** Where it is not what it looks like. */
const exceptions = new Map([
  ["src/kubernetes/image/dockerfile.ts", "the health check is a program of its own, in a text"],
  ["src/service/pool/printing.ts", "what a worker prints, which becomes lines of the log"],
  [
    "src/service/pool/process-carrier.ts",
    "what a worker's process prints, as what a thread prints",
  ],
])

function cliWords(file: string, source: string): readonly string[] {
  if (!file.startsWith("src/") || file.startsWith("src/cli/")) return []
  const code = source.replaceAll(/^\s*(?:\/\*\*|\*|\/\/).*$/gm, "")
  return cliOnly
    .map((word) => word.exec(code)?.[0])
    .filter((word) => word !== undefined)
    .map((word) => `${file} says ${word}: only src/cli/ may`)
}

const manifest: { readonly dependencies: Record<string, string> } = JSON.parse(read("package.json"))
const dependencies = new Set(Object.keys(manifest.dependencies))
const source = files("src/**/*.ts")
const modules = [...source, ...files("{examples,templates,scripts,bench,test}/**/*.ts")]

test("every module imports only what its room may know", () => {
  assert.ok(source.length > 10, "found the source")
  assert.deepEqual(
    modules.flatMap((file) => wrongImports(file, read(file), dependencies)),
    [],
  )
})

test("only the command line reads arguments, prints and exits", () => {
  const wrong = source.map((file) => [file, cliWords(file, read(file))] as const)
  assert.deepEqual(
    wrong.flatMap(([file, words]) => (exceptions.has(file) ? [] : words)),
    [],
  )
  for (const [file] of exceptions) {
    assert.notEqual(
      wrong.find(([name]) => name === file)?.[1].length,
      0,
      `${file} needs no exception`,
    )
  }
})

test("no modules import each other in a circle", () => {
  const graph = new Map(
    source.map((file) => [
      file,
      importsOf(read(file))
        .filter((imported) => !imported.typeOnly)
        .map((imported) => target(file, imported))
        .filter((to) => to !== undefined),
    ]),
  )
  assert.equal(findCycle(graph)?.join(" → "), undefined)
})

/** Modules of Node's that bring others along, which takes a thread milliseconds and megabytes. */
const dear = /^node:(?:http2?|https|tls|net|dgram|crypto|zlib|child_process)$/

/** What of that a program loads at its start. */
function dearIn(program: string, sourceOf: (file: string) => string): readonly string[] {
  const found: string[] = []
  const reached = new Set([program])
  for (const file of reached) {
    for (const imported of importsOf(sourceOf(file))) {
      const to = target(file, imported)
      if (imported.typeOnly) continue
      if (dear.test(imported.specifier)) found.push(`${file} imports ${imported.specifier}`)
      if (to !== undefined) reached.add(to)
    }
  }
  if (reached.has("src/core/http/builtin.ts")) found.push(`${program} reaches core/http/builtin.ts`)
  return found
}

test("a worker loads none of Node's modules that bring others along", () => {
  assert.deepEqual(dearIn("src/service/pool/worker.ts", read), [])
})

test("no source file is longer than 400 lines", () => {
  const long = source.filter((file) => read(file).split("\n").length > 401)
  assert.deepEqual(long, [])
})

test("these guards fire", () => {
  const check = (file: string, code: string, expected: RegExp) =>
    assert.match(wrongImports(file, code, dependencies).join("\n"), expected, code)
  check("src/core/clock.ts", 'import { x } from "../service/x.ts"', /core\/ may import itself only/)
  check("src/core/clock.ts", 'import pino from "pino"', /needs no package/)
  check(
    "src/service/a.ts",
    'import {\n  type X,\n} from "../cli/x.ts"',
    /service\/a\.ts imports src\/cli/,
  )
  check("src/service/a.ts", 'export * from "../cli/x.ts"', /imports src\/cli/)
  check("src/service/a.ts", 'const x = await import("../cli/x.ts")', /imports src\/cli/)
  check("src/service/a.ts", 'new URL("../cli/x.ts", import.meta.url)', /imports src\/cli/)
  check("src/service/a.ts", 'import type { X } from "zod"', /zod, which is not among/)
  check("src/service/a.ts", 'import { operation } from "capstan"', /the source names its own files/)
  check("src/service/http/a.ts", 'import "../pool/pool.ts"', /http\/ may import/)
  check("src/service/pool/a.ts", 'import "../http/server.ts"', /pool\/ may import/)
  check("src/cli/main.ts", 'import "../../test/support/x.ts"', /imports test\/support/)
  check("examples/x/service.ts", 'import "../../src/index.ts"', /examples\/ may import itself/)
  check("src/attic/a.ts", "", /in no room/)
  assert.deepEqual(wrongImports("src/cli/a.ts", 'import "../service/x.ts"', dependencies), [])
  assert.deepEqual(wrongImports("src/service/a.ts", 'import "fastify"', dependencies), [])

  for (const code of [
    "console.log(1)",
    "process.exit(1)",
    "process.argv[2]",
    "process.stdout.write('')",
  ]) {
    assert.equal(cliWords("src/service/a.ts", code).length, 1, code)
    assert.equal(cliWords("src/cli/a.ts", code).length, 0, code)
  }
  assert.deepEqual(cliWords("src/service/a.ts", "/**\n * Never calls process.exit().\n */"), [])

  const circle = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ])
  assert.deepEqual(findCycle(circle), ["b", "c", "b"])
  assert.equal(findCycle(new Map([["a", ["b"]]])), undefined)

  const program = new Map([
    ["src/a.ts", 'import "./b.ts"\nimport type { Server } from "node:http"'],
    ["src/b.ts", 'import { randomUUID } from "node:crypto"\nimport "node:fs"'],
  ])
  const sourceOf = (file: string) => program.get(file) ?? ""
  assert.deepEqual(dearIn("src/a.ts", sourceOf), ["src/b.ts imports node:crypto"])
})

test("what commands print goes one way, where nothing of others can steer a terminal", () => {
  // The first two run before anything is imported, or print nothing.
  const may = ["src/cli/main.ts", "src/cli/image-server.ts", "src/cli/print.ts"]
  const direct = /process\.std(?:out|err)\.write|\bstd(?:out|err)\.write|console\.\w+\(/
  assert.deepEqual(
    files("src/cli/**/*.ts").filter((file) => !may.includes(file) && direct.test(read(file))),
    [],
  )
  assert.ok(may.every((file) => direct.test(read(file))))
})
