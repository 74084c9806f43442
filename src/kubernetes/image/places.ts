/**
 * Places that the project's own code names relative to itself: `new URL("./x", import.meta.url)`,
 * `join(import.meta.dirname, "x")`, and what else comes to that. In a bundle all code lies in one
 * folder, so each module is told where it would lie in the image, and what it names is put there.
 * What expressions come to is in place-values.ts.
 */
import { dirname } from "node:path"
import { type Ast, childrenOf, parsed } from "./ast.ts"
import {
  calleeOf,
  constantsIn,
  evaluator,
  type Form,
  isRelative,
  type Value,
} from "./place-values.ts"

/** A place that code names. */
export interface Reached {
  /** Absolute. */
  readonly path: string
  /** Otherwise what is reached is something in it, by a name that is computed. */
  readonly isExact: boolean
  /** Whether it is opened as a file, whatever its name says: the source of a module, say. */
  readonly isRead: boolean
  /** Whether it is only given a name here; where that is used, it is another of these. */
  readonly isNamed: boolean
}

export interface Followed {
  /** The code, in which modules that are started or loaded by their place have their new one. */
  readonly code: string
  readonly reached: readonly Reached[]
  /** What is looked for as Node looks for packages: `name` or `name/path`. */
  readonly packages: readonly string[]
  /** What is read relative to the folder in which the program is started. */
  readonly fromStart: readonly string[]
}

/** What opens a file by its path. */
const readers =
  /^(?:readFile|readFileSync|createReadStream|open|openSync|openAsBlob|readJson|loadEnvFile)$/

/** Whether it is worth looking: whatever names a place has one of these. */
export const namesPlaces =
  /import\.meta|__dirname|__filename|createRequire|require\.resolve|readFile|createReadStream/

/**
 * Undefined when the code can't be read.
 * @param plain the code of a module as esbuild prints it, with the words for its place replaced.
 * @param file where the module lies.
 * @param programOf what a module that is reached by its place is called in the bundle; undefined for
 * what is no module.
 */
export function followPlaces(
  plain: string,
  file: string,
  programOf: (path: string) => string | undefined,
): Followed | undefined {
  const tree = parsed(plain)
  if (tree === undefined) return undefined
  const constants = constantsIn(tree)
  const evaluate = evaluator(file, constants)
  const isRequirer = (node: Ast | undefined): boolean => {
    if (node?.type === "Identifier") return isRequirer(constants.get(String(node.name)))
    return node?.type === "CallExpression" && calleeOf(node) === "createRequire"
  }
  const exported = exportedFrom(tree)
  const reached: Reached[] = []
  const packages = new Set<string>()
  const fromStart = new Set<string>()
  const edits: { readonly node: Ast; readonly text: string }[] = []

  /** Returns whether the node has been seen to, and what is below it needs no look. */
  const see = (node: Ast, parents: readonly Ast[]): boolean => {
    const [parent] = parents
    const replace = (by: string): void => {
      const isShort = parent?.type === "Property" && parent.shorthand === true
      edits.push({ node, text: isShort ? `${String(node.name)}:${by}` : by })
    }
    if (node.type === "CallExpression") {
      const literal = literalOf(evaluate((node.arguments as readonly Ast[])[0]))
      const callee = node.callee as Ast
      if (literal !== undefined && isRequirer(callee)) {
        // As if it were written so: then it is bundled.
        edits.push({ node: callee, text: "require" })
        return true
      }
      if (literal !== undefined && isResolver(callee, isRequirer) && !isRelative(literal)) {
        if (!literal.startsWith("node:")) packages.add(literal)
        if (callee.type !== "MemberExpression" || (callee.object as Ast).name === "require")
          return true
      }
      if (literal !== undefined && isReading(node) && !/^(?:[\\/]|\w+:)/.test(literal)) {
        fromStart.add(literal)
      }
    }
    if (node.type === "Identifier" && constants.has(String(node.name)) && isRequirer(node)) {
      replace("capstan_require")
      return true
    }
    const place = evaluate(node)
    if (place?.kind !== "place") return false
    if (isCompared(parent) || (parent && calleeOf(parent) === "createRequire")) return true
    if (parent?.type === "ExportSpecifier") return true
    const isConstant = parent?.type === "VariableDeclarator"
    if (isConstant && parent.id === node) return true
    const isNamed = isConstant && !isExported(parents, exported)
    const isRead = isReading(parent)
    const isProgram = place.isExact && !isRead && !isNamed
    const isOwn = place.path === file
    const program = isProgram && (!isOwn || isStarting(parent)) ? programOf(place.path) : undefined
    if (program !== undefined) replace(written(program, place.form))
    else reached.push({ path: place.path, isExact: place.isExact, isRead, isNamed })
    return true
  }
  const walk = (node: Ast, parents: readonly Ast[]): void => {
    if (see(node, parents)) return
    for (const below of childrenOf(node)) walk(below, [node, ...parents])
  }
  walk(tree, [])
  let code = plain
  for (const { node, text } of edits.toSorted((a, b) => b.node.start - a.node.start)) {
    code = code.slice(0, node.start) + text + code.slice(node.end)
  }
  return { code, reached, packages: [...packages], fromStart: [...fromStart] }
}

/** The code that comes to a program of the bundle, which lies in the folder of all of it. */
function written(program: string, form: Form): string {
  const path = `__dirname+${JSON.stringify(`/${program}`)}`
  if (form === "path") return `(${path})`
  const url = `process.getBuiltinModule("node:url").pathToFileURL(${path})`
  return form === "href" ? `${url}.href` : url
}

/**
 * The lines that tell a module of the bundle where it would lie. `__dirname` is the bundle's own
 * folder: bundle.ts declares it for each file.
 * @param place from that folder, with slashes.
 */
export function placeWords(place: string): string {
  const folder = JSON.stringify(`/${dirname(place)}`)
  return [
    `const capstan_dirname=__dirname+${folder}`,
    `const capstan_filename=__dirname+${JSON.stringify(`/${place}`)}`,
    'const capstan_url=process.getBuiltinModule("node:url").pathToFileURL(capstan_filename).href',
    'const capstan_resolve=(to)=>/^\\.{0,2}\\//.test(to)?new URL(to,capstan_url).href:process.getBuiltinModule("node:url").pathToFileURL(process.getBuiltinModule("node:module").createRequire(capstan_url).resolve(to)).href',
  ].join(";")
}

/** What looks for a package: `import.meta.resolve`, and `resolve` of what can require. */
function isResolver(callee: Ast, isRequirer: (node: Ast) => boolean): boolean {
  if (callee.type === "Identifier") {
    return callee.name === "capstan_resolve" || callee.name === "findPackageJSON"
  }
  if (callee.type !== "MemberExpression") return false
  const of = callee.object as Ast
  return (callee.property as Ast).name === "resolve" && (of.name === "require" || isRequirer(of))
}

function literalOf(value: Value): string | undefined {
  return value?.kind === "text" && value.isExact ? value.text : undefined
}

function isReading(node: Ast | undefined): boolean {
  return node?.type === "CallExpression" && readers.test(calleeOf(node) ?? "")
}

/** Whether a call starts a thread or a process. */
function isStarting(node: Ast | undefined): boolean {
  return node !== undefined && /^(?:Worker|fork)$/.test(calleeOf(node) ?? "")
}

/** The names that a module exports which it has declared before. */
function exportedFrom(tree: Ast): ReadonlySet<string> {
  const specifiers = (tree.body as readonly Ast[])
    .filter((node) => node.type === "ExportNamedDeclaration" && node.source === null)
    .flatMap((node) => node.specifiers as readonly Ast[])
  return new Set(specifiers.map(({ local }) => String((local as Ast).name)))
}

/** Whether a constant is for other modules too, of whose use nothing is known here. */
function isExported([declarator, , above]: readonly Ast[], names: ReadonlySet<string>): boolean {
  const id = declarator?.id as Ast | undefined
  return above?.type === "ExportNamedDeclaration" || names.has(String(id?.name))
}

/** `import.meta.filename === process.argv[1]` reaches nothing. */
function isCompared(parent: Ast | undefined): boolean {
  if (parent?.type === "UnaryExpression") return true
  return parent?.type === "BinaryExpression" && /^[!=]==?$/.test(String(parent.operator))
}
