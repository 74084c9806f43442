/**
 * A scenario out of an OpenAPI document: every operation that can be sent by what the document says
 * of it, with its examples in turn where it has some, else with the smallest input that fits. What
 * is left out is named with its reason, because a load that is silently narrower than it looks
 * misleads.
 */
import { type JsonSchema, resolveRef, Sampler } from "./sample.ts"
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
    .map((parameter) => followed(parameter, root))
  const headers: Record<string, string> = {}
  const query: Record<string, string> = {}
  let filled = path
  for (const parameter of parameters) {
    const {
      name,
      in: place,
      required,
    } = parameter as { name: string; in: string; required?: boolean }
    if (required !== true) continue
    const value = exampleOf(parameter, sampler)[0]
    if (value === undefined || typeof value === "object") {
      return `its ${place} parameter "${name}" has no example, and none can be made from its schema`
    }
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(String(value)))
    else if (place === "query") query[name] = String(value)
    else if (place === "header") headers[name] = String(value)
  }

  const name = path
  const discardBody = true
  const body = followed((operation.requestBody ?? {}) as JsonSchema, root)
  const content = body.content as Readonly<Record<string, JsonSchema>> | undefined
  if (content === undefined)
    return [{ path: filled, options: { name, query, headers, discardBody } }]
  const media = Object.entries(content).find(([type]) => /^application\/(.*\+)?json\b/.test(type))
  if (media === undefined) {
    if (body.required !== true)
      return [{ path: filled, options: { name, query, headers, discardBody } }]
    return `its body is ${Object.keys(content).join(" or ")}, and only JSON can be made up`
  }
  const values = exampleOf(media[1], sampler)
  if (values.length === 0) return "its body has no example, and none can be made from its schema"
  // As text, once: it is the same each time.
  return values.map((value) => ({
    path: filled,
    options: {
      name,
      query,
      discardBody,
      headers: { ...headers, "content-type": media[0] },
      body: JSON.stringify(value),
    },
  }))
}

/** The examples of a parameter or a body, or one made from its schema, or none. */
function exampleOf(holder: JsonSchema, sampler: Sampler): readonly unknown[] {
  const named = Object.values((holder.examples ?? {}) as Record<string, JsonSchema>)
    .map((example) => followed(example, sampler.root).value)
    .filter((value) => value !== undefined)
  if (named.length > 0) return named
  if (holder.example !== undefined) return [holder.example]
  const made = sampler.sample((holder.schema ?? {}) as JsonSchema)
  return made === undefined ? [] : [made]
}

function followed(object: JsonSchema, root: unknown): JsonSchema {
  return typeof object.$ref === "string" ? (resolveRef(root, object.$ref) ?? {}) : object
}
