/**
 * YAML of others, with a bound on all that takes time or memory: what a parser makes of a few bytes
 * can be a thousand times as much, and it may compare each key, anchor or mistake with all the others.
 */
import { isScalar, Lexer, LineCounter, type ParsedNode, parseDocument, visit } from "yaml"

/** What a parser takes one after the other; a cluster, its user and its context are some hundred. */
const tokensMax = 200_000
/** Each is looked for among the anchors. */
const aliasesMax = 100

/**
 * The one document that it is, as plain values; null when it is empty.
 * @throws {Error} in one line, without what stands there: that may be a secret.
 */
export function parseYaml(text: string): unknown {
  try {
    return parsed(text)
  } catch (error) {
    // Parser and visitors go down by calling themselves.
    throw error instanceof RangeError ? new Error("it is nested too deeply") : error
  }
}

function parsed(text: string): unknown {
  let tokens = 0
  for (const _ of new Lexer().lex(text)) {
    tokens += 1
    if (tokens > tokensMax) throw new Error(`it has more than ${tokensMax} parts`)
  }
  const lineCounter = new LineCounter()
  // Keys are compared below, and errors placed: the parser's own ways take the square of the time.
  const document = parseDocument<ParsedNode>(text, {
    logLevel: "error",
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter,
  })
  const place = (at: number): string => {
    const { line, col } = lineCounter.linePos(at)
    return `at line ${line}, column ${col}`
  }
  const [error] = document.errors
  if (error?.code === "RESOURCE_EXHAUSTION") throw new RangeError(error.message)
  if (error !== undefined) throw new Error(`${error.message} ${place(error.pos[0])}`)
  let aliases = 0
  visit(document, {
    Alias() {
      aliases += 1
      if (aliases > aliasesMax) throw new Error(`it has more than ${aliasesMax} aliases`)
    },
    Map(_, { items }) {
      const keys = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (keys.has(key.value)) {
          throw new Error(`a key stands there twice ${place(key.range?.[0] ?? 0)}`)
        }
        keys.add(key.value)
      }
    },
  })
  return document.toJS()
}
