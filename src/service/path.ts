/**
 * Paths as RFC 3986 compares them. An escape of an unreserved character is that character (`%41` is
 * `A`), and so is one of any character that a path can't hold as it is (`%20`). An escape of a
 * reserved one, or of the percent sign, stays what it is, whatever the case of its digits: `/a%2Fb`
 * has one segment and `/a/b` two. The path of an operation and that of a request are brought into
 * this normal form, so that they meet in it.
 */

/** What is between two slashes of an operation's path, in the normal form. */
export interface Segment {
  /** The name of the parameter that it begins with, if it does. */
  readonly parameter: string | undefined
  /** What follows the parameter; without one, all of it. */
  readonly literal: string
}

/** `: / ? # [ ] @`, `! $ & ' ( ) * + , ; =` and `%` */
const reservedEscape = /%(2[13-9A-CF]|3[ABDF]|40|5[BD])/gi

/** With the percent signs of reserved escapes escaped, so that to decode it leaves those escapes. */
function guarded(path: string): string {
  return path.replaceAll(reservedEscape, (_, digits: string) => `%25${digits.toUpperCase()}`)
}

/** The normal form; undefined when a percent sign is not followed by two digits, or it is not UTF-8. */
export function normalPath(path: string): string | undefined {
  try {
    return decodeURIComponent(guarded(path))
  } catch {
    return undefined
  }
}

/**
 * The target of a request as the router has to be given it, which decodes once: what it makes of the
 * path is the normal form. The query stays as it is.
 */
export function routedUrl(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? guarded(url) : guarded(url.slice(0, end)) + url.slice(end)
}

/** A parameter's value, out of its normal form. */
export function decodedParameter(value: string): string {
  return decodeURIComponent(value)
}

/**
 * The segments of an operation's path.
 * @param wrong makes the error of what is allowed instead.
 */
export function parsePath(
  path: unknown,
  wrong: (allowed: string) => TypeError,
): readonly Segment[] {
  if (typeof path !== "string" || !path.startsWith("/")) throw wrong("a string that starts with /")
  const names = new Set<string>()
  return path
    .slice(1)
    .split("/")
    .map((text) => {
      if (text.startsWith(":")) throw wrong("written with braces: /images/{id}, not /images/:id")
      const [, parameter, written] = /^(?:\{([A-Za-z_][A-Za-z0-9_]*)\})?(.*)$/s.exec(text)!
      if (!/^[A-Za-z0-9._~!$&'()+,;=:@%-]*$/.test(written!)) {
        throw wrong(
          "made of URL characters, with parameters as whole segments in braces or at their beginning: {id}, {name}:predict",
        )
      }
      const literal = normalPath(written!)
      if (literal === undefined) {
        throw wrong("without a % that is not followed by two hexadecimal digits of UTF-8")
      }
      if (parameter !== undefined) {
        if (literal.includes("%")) throw wrong(`without an escape behind {${parameter}}`)
        if (names.has(parameter)) throw wrong(`without a second {${parameter}}`)
        names.add(parameter)
      }
      return { parameter, literal }
    })
}

/** The same for two paths that the same requests match. */
export function shapeOf(segments: readonly Segment[]): string {
  return JSON.stringify(segments.map(({ parameter, literal }) => [parameter && "", literal]))
}

/** As find-my-way has it. An empty parameter is no parameter: `/items/` is not `/items/{id}`. */
export function routerPath(segments: readonly Segment[]): string {
  const parts = segments.map(({ parameter, literal }) => {
    const text = literal.replaceAll(":", "::")
    return parameter === undefined ? text : `:${parameter}([^]+)${text}`
  })
  return `/${parts.join("/")}`
}

/** Matches the normal form of the paths that the router would match. */
export function pathPattern(segments: readonly Segment[]): RegExp {
  const parts = segments.map(({ parameter, literal }) => {
    const text = literal.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    return parameter === undefined ? text : `[^/]+${text}`
  })
  return new RegExp(`^/${parts.join("/")}$`)
}
