/**
 * What expressions come to that name places relative to a module, as far as it can be worked out from
 * the words for its place, literals and constants. Where one goes on with what is only known while it
 * runs, it comes to the folder up to there.
 */
import { dirname, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type Ast, childrenOf } from "./ast.ts"

/** How a place is written in the code: as a `URL`, the text of one, or a path. */
export type Form = "url" | "href" | "path"

interface Place {
  readonly kind: "place"
  readonly path: string
  readonly form: Form
  readonly isExact: boolean
}

interface Text {
  readonly kind: "text"
  readonly text: string
  readonly isExact: boolean
}

export type Value = Place | Text | undefined

/** By name, what constants are; of a name that there is twice, nothing can be said. */
export function constantsIn(tree: Ast): ReadonlyMap<string, Ast> {
  const found = new Map<string, Ast>()
  const twice = new Set<string>()
  const walk = (node: Ast): void => {
    const id = node.id as Ast | undefined
    if (node.type === "VariableDeclarator" && id?.type === "Identifier") {
      const name = String(id.name)
      if (found.has(name)) twice.add(name)
      if (node.init) found.set(name, node.init as Ast)
    }
    for (const below of childrenOf(node)) walk(below)
  }
  walk(tree)
  for (const name of twice) found.delete(name)
  return found
}

export function evaluator(
  file: string,
  constants: ReadonlyMap<string, Ast>,
): (node: Ast | undefined) => Value {
  const own: Readonly<Record<string, Place>> = {
    capstan_url: { kind: "place", path: file, form: "href", isExact: true },
    capstan_filename: { kind: "place", path: file, form: "path", isExact: true },
    capstan_dirname: { kind: "place", path: dirname(file), form: "path", isExact: true },
  }
  const underWay = new Set<Ast>()
  const known = new Map<Ast, Value>()
  const evaluate = (node: Ast | undefined): Value => {
    if (node === undefined || underWay.has(node)) return undefined
    if (known.has(node)) return known.get(node)
    underWay.add(node)
    const value = worked(node)
    underWay.delete(node)
    known.set(node, value)
    return value
  }
  const worked = (node: Ast): Value => {
    switch (node.type) {
      case "Literal":
        return typeof node.value === "string" ? text(node.value) : undefined
      case "Identifier": {
        const name = String(node.name)
        return own[name] ?? evaluate(constants.get(name))
      }
      case "TemplateLiteral": {
        const quasis = node.quasis as readonly { readonly value: { readonly cooked: string } }[]
        const between = (node.expressions as readonly Ast[]).map(evaluate)
        return quasis
          .flatMap(({ value }, at) =>
            at === 0 ? [text(value.cooked)] : [between[at - 1], text(value.cooked)],
          )
          .filter(
            (part, at) => at === 0 || part?.kind !== "text" || part.text !== "" || !part.isExact,
          )
          .reduce(sum)
      }
      case "BinaryExpression":
        return node.operator === "+"
          ? sum(evaluate(node.left as Ast), evaluate(node.right as Ast))
          : undefined
      case "NewExpression": {
        const [to, base] = (node.arguments as readonly Ast[]).map(evaluate)
        if (calleeOf(node) !== "URL") return undefined
        if (base?.kind === "place") return fromUrl(to, base)
        return to?.kind === "place" && to.form !== "path" ? { ...to, form: "url" } : undefined
      }
      case "MemberExpression": {
        const of = evaluate(node.object as Ast)
        const member = String((node.property as Ast).name)
        if (of?.kind !== "place" || of.form === "path") return undefined
        if (member === "href") return { ...of, form: "href" }
        return member === "pathname" ? { ...of, form: "path" } : undefined
      }
      case "CallExpression":
        return called(node)
      default:
        return undefined
    }
  }
  const called = (node: Ast): Value => {
    const [first, ...rest] = (node.arguments as readonly Ast[]).map(evaluate)
    const place = first?.kind === "place" ? first : undefined
    switch (calleeOf(node)) {
      case "join":
      case "resolve":
        if (place?.form !== "path") break
        return rest.reduce<Place>(joined, place)
      case "dirname":
        return place?.isExact ? { ...place, path: dirname(place.path) } : place
      case "normalize":
        return place
      case "fileURLToPath":
        return place && { ...place, form: "path" }
      case "pathToFileURL":
        return place && { ...place, form: "url" }
      case "String":
        return place?.form === "url" ? { ...place, form: "href" } : place
      case "toString": {
        const of = evaluate((node.callee as Ast).object as Ast | undefined)
        return of?.kind === "place" && of.form === "url" ? { ...of, form: "href" } : of
      }
      case "capstan_resolve":
        if (first?.kind === "text" && isRelative(first.text))
          return fromUrl(first, own.capstan_url as Place)
        break
      default:
    }
    const callee = node.callee as Ast
    const isRequireResolve =
      calleeOf(node) === "resolve" &&
      callee.type === "MemberExpression" &&
      (callee.object as Ast).name === "require"
    if (isRequireResolve && first?.kind === "text" && isRelative(first.text)) {
      return {
        ...(own.capstan_dirname as Place),
        path: resolve(dirname(file), first.text),
        isExact: first.isExact,
      }
    }
    return undefined
  }
  return evaluate
}

function text(said: string): Text {
  return { kind: "text", text: said, isExact: true }
}

/** One after the other; where one is not known, what comes before it is all that is. */
function sum(before: Value, after: Value): Value {
  if (before === undefined || !before.isExact) return before
  if (after?.kind === "place")
    return before.kind === "text" && before.text === "" ? after : undefined
  const isExact = after?.isExact ?? false
  if (before.kind === "text") return { ...before, text: before.text + (after?.text ?? ""), isExact }
  const path = before.path + (after?.text ?? "")
  return { ...before, path: isExact ? path : upToFolder(path), isExact }
}

function joined(place: Place, part: Value): Place {
  if (!place.isExact) return place
  if (part?.kind !== "text") return { ...place, isExact: false }
  const to = part.isExact ? part.text : upToFolder(part.text)
  return { ...place, path: resolve(place.path, `./${to}`), isExact: part.isExact }
}

function fromUrl(to: Value, base: Place): Place | undefined {
  if (!base.isExact || base.form === "path") return undefined
  const from = pathToFileURL(base.path)
  if (to?.kind !== "text") return { ...base, path: dirname(base.path), form: "url", isExact: false }
  const said = to.isExact ? to.text : upToFolder(to.text)
  const url = URL.parse(said, from)
  if (url?.protocol !== "file:") return undefined
  return { kind: "place", path: fileURLToPath(url), form: "url", isExact: to.isExact }
}

/** With the slash. */
function upToFolder(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1)
}

export function isRelative(said: string): boolean {
  return /^(?:\.{0,2}\/|\.{1,2}$|file:)/.test(said)
}

/** The last name of what is called: `join` of `path.join(…)`. */
export function calleeOf(node: Ast): string | undefined {
  const callee = node.callee as Ast | undefined
  if (callee === undefined) return undefined
  if (callee.type === "Identifier") return String(callee.name)
  if (callee.type !== "MemberExpression") return undefined
  return String((callee.property as Ast).name)
}
