/**
 * A scenario out of an OpenAPI document: every operation that can be sent by what the document says
 * of it, with its examples in turn where it has some, else with the smallest input that fits. What
 * is left out is named with its reason, because a load that is silently narrower than it looks
 * misleads.
 *
 * Examples of the same name, of parameters and the body, are one request.
 */
import { bodyOf, followed, type Parameter, parameterOf, type SentBody } from "./openapi-input.ts"
import { type JsonSchema, Sampler } from "./sample.ts"
import { type RequestOptions, type Scenario, scenario, type User } from "./scenario.ts"

export interface FromOpenApi {
  /** `undefined` when there is no operation that can be sent. */
  readonly scenario: Scenario | undefined
  /** What was left out and why, a sentence each. */
  readonly notes: readonly string[]
}

interface Document {
  readonly info?: { readonly title?: string }
  readonly paths?: Readonly<Record<string, JsonSchema>>
}

/** Deleting what is there is not for a load test to begin by itself. */
const methods = ["get", "head", "post", "put", "patch"]

export function scenarioFromOpenApi(document: unknown): FromOpenApi {
  const { info, paths = {} } = document as Document
  const tasks: Record<string, (user: User) => unknown> = {}
  const notes: string[] = []
  const sampler = new Sampler(document)
  for (const [path, item] of Object.entries(paths)) {
    for (const method of [...methods, "delete"]) {
      const operation = item[method] as JsonSchema | undefined
      if (operation === undefined) continue
      const name = `${method.toUpperCase()} ${path}`
      const made = requests(method, path, operation, item, sampler)
      if (typeof made === "string") notes.push(`${name} is left out: ${made}.`)
      else tasks[name] = cycle(method.toUpperCase(), made)
    }
  }
  if (Object.keys(tasks).length === 0) return { scenario: undefined, notes }
  const made = scenario({ name: info?.title ?? "OpenAPI", tasks })
  return { scenario: { ...made, notes, origin: { document } }, notes }
}

interface Sendable {
  readonly path: string
  readonly options: RequestOptions
}

/** One after the other, for all users together. */
function cycle(method: string, requests: readonly Sendable[]): (user: User) => unknown {
  let turn = 0
  return (user) => {
    const { path, options } = requests[turn % requests.length]!
    turn += 1
    return user.request(method, path, options)
  }
}

/** How many examples of an operation are sent, and how long their paths and headers may be together. */
const most = { examples: 100, characters: 1_000_000 }

/** What to send, or why it can't be. */
function requests(
  method: string,
  path: string,
  operation: JsonSchema,
  item: JsonSchema,
  sampler: Sampler,
): readonly Sendable[] | string {
  const { root } = sampler
  if (method === "delete") return "what deletes has to be asked for, in a scenario of your own"
  if (operation.deprecated === true) return "it is deprecated"
  const parameters = [item.parameters, operation.parameters]
    .flatMap((list) => (list ?? []) as readonly JsonSchema[])
    .flatMap((parameter) => parameterOf(followed(parameter, root), sampler) ?? [])
  const requestBody = followed((operation.requestBody ?? {}) as JsonSchema, root)
  const content = requestBody.content as Readonly<Record<string, JsonSchema>> | undefined
  const isNeeded = requestBody.required === true
  const found = content === undefined ? undefined : bodyOf(content, sampler)
  if (typeof found === "string" && isNeeded) return found
  const body = typeof found === "string" ? undefined : found

  const choices = [...parameters.map(({ choice }) => choice), ...(body ? [body.choice] : [])]
  const names = new Set(choices.flatMap(({ named }) => Array.from(named.keys())))
  const bodies = new Map<unknown, SentBody | undefined>()
  const made: Sendable[] = []
  let why = ""
  let characters = 0
  for (const name of names.size === 0 ? [undefined] : Array.from(names).slice(0, most.examples)) {
    const head = headOf(name, path, parameters)
    if (typeof head === "string") {
      why ||= head
      continue
    }
    characters += JSON.stringify(head).length
    if (made.length > 0 && characters > most.characters) break
    if (body === undefined) {
      made.push({ path: head.path, options: head.options })
      continue
    }
    const value = body.choice.valueFor(name, true)
    // As text, once: it is the same each time.
    if (value !== undefined && !bodies.has(value)) bodies.set(value, body.write(value))
    const sent = bodies.get(value)
    if (sent === undefined) {
      why ||= "its body has no example, and none can be made from its schema"
      continue
    }
    const headers = { ...head.options.headers, "content-type": sent.contentType }
    made.push({ path: head.path, options: { ...head.options, headers, body: sent.body } })
  }
  return made.length === 0 ? why : made
}

/** All but the body of the example of a name, or why there can't be such. */
function headOf(
  example: string | undefined,
  path: string,
  parameters: readonly Parameter[],
): Sendable | string {
  const headers: Record<string, string> = {}
  const query: Record<string, string | readonly string[]> = {}
  let filled = path
  for (const { name, place, isRequired, choice, write } of parameters) {
    const value = choice.valueFor(example, isRequired)
    const texts = value === undefined ? undefined : write(value)
    if (texts === undefined) {
      if (!isRequired) continue
      return `its ${place} parameter "${name}" has no example, and none can be made from its schema`
    }
    if (place === "query") {
      for (const [key, all] of Map.groupBy(texts, ([key]) => key)) {
        const [text = "", ...more] = all.map(([, one]) => one)
        query[key] = more.length === 0 ? text : [text, ...more]
      }
    } else {
      const [[, text] = ["", ""]] = texts
      if (place === "header") headers[name] = text
      else filled = filled.replace(`{${name}}`, () => encodeURIComponent(text))
    }
  }
  return { path: filled, options: { name: path, query, headers, discardBody: true } }
}
