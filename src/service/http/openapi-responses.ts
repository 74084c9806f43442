/**
 * The error responses of an operation: those that can really happen to it, and no others. What can
 * happen follows from what it is: only a body can be too large, only what has a schema can fail it,
 * only what goes to a worker can be shed.
 */
import { http } from "../../core/http/builtin.ts"
import { requestIdHeader } from "../../core/http/request-id.ts"
import { issuesMax } from "../issues.ts"
import type { Operation } from "../operation.ts"
import type { JsonSchema } from "../schema.ts"
import { problemMediaType } from "./send.ts"

type Json = Readonly<Record<string, unknown>>

interface ErrorResponse {
  readonly description: string
  readonly happens: (operation: Operation) => boolean
  /** What else it means for some of the operations that it happens to. */
  readonly also?: { readonly description: string; readonly happens: ErrorResponse["happens"] }
  readonly schema?: string
  readonly headers?: Json
}

const always = (): boolean => true
const hasBody = ({ body }: Operation): boolean => body !== undefined
const onWorker = ({ thread }: Operation): boolean => thread === "worker"
const hasCost = ({ cost, thread }: Operation): boolean => cost !== undefined && thread === "worker"
/** As far as can be told beforehand. Nothing can stop what is synchronous on the main thread. */
const isAsync = ({ run }: Operation): boolean =>
  Object.prototype.toString.call(run) === "[object AsyncFunction]"

const errorResponses: Readonly<Record<number, ErrorResponse>> = {
  400: {
    description: "Malformed: the URL, a header or the body can't be read.",
    happens: always,
  },
  406: {
    description: "The `Accept` header allows none of the media types of the answer.",
    happens: ({ output }) => output !== undefined,
  },
  408: {
    description: "The request took too long to arrive.",
    happens: hasBody,
  },
  413: {
    description: "The body is too large.",
    happens: hasBody,
  },
  415: {
    description: "The body is of a media type, or has an encoding, that is not accepted.",
    happens: hasBody,
  },
  422: {
    description: "Well-formed, and not what the operation accepts; `errors` says where and why.",
    happens: (operation) => {
      const { params, query, headers, body } = operation
      const specs = [params, query, headers, body]
      return hasCost(operation) || specs.some((spec) => spec !== undefined && !isBytes(spec))
    },
    also: {
      description:
        "More work than can be done by the request's deadline, however idle the server; `errors` says how long it would take and what the deadline is.",
      happens: hasCost,
    },
    schema: "InvalidInput",
  },
  431: {
    description: "The headers are too large.",
    happens: always,
  },
  500: {
    description: "The service has a bug; its log has the reason under `requestId`.",
    happens: always,
  },
  503: {
    description: "Overloaded: the request was not begun. Try again after `Retry-After`.",
    happens: onWorker,
    headers: { "retry-after": { $ref: "#/components/headers/RetryAfter" } },
  },
  504: {
    description: "It was not done by its deadline, and was stopped.",
    happens: (operation) => onWorker(operation) || isAsync(operation),
  },
}

/** Sent with every response. */
export const responseHeaders: Json = {
  [requestIdHeader]: { $ref: "#/components/headers/RequestId" },
}

/** By status, as an operation's `responses` have it: the shared ones, and those of its own. */
export function errorResponsesOf(operation: Operation): Json {
  const responses: Record<string, unknown> = {}
  for (const [status, shared] of Object.entries(errorResponses)) {
    if (!shared.happens(operation)) continue
    const own = ofOperation(shared, operation)
    responses[status] =
      own === shared ? { $ref: `#/components/responses/${nameOf(status)}` } : response(own)
  }
  for (const [status, description] of Object.entries(operation.problems)) {
    const shared = status in responses ? errorResponses[Number(status)] : undefined
    responses[status] =
      shared === undefined
        ? response({ description })
        : both(ofOperation(shared, operation), description)
  }
  return responses
}

/** The shared responses that `operations` refer to, for the document's components. */
export function sharedResponses(operations: Iterable<Operation>): Json {
  const all = [...operations]
  const used = Object.entries(errorResponses).filter(([, shared]) =>
    all.some((operation) => shared.happens(operation) && ofOperation(shared, operation) === shared),
  )
  return Object.fromEntries(used.map(([status, shared]) => [nameOf(status), response(shared)]))
}

export const sharedHeaders: Json = {
  RequestId: {
    description: "The request's id, as in the log: the client's own, if it sent one.",
    required: true,
    schema: { type: "string" },
  },
  RetryAfter: {
    description: "After how many seconds another try makes sense.",
    schema: { type: "integer", minimum: 1 },
  },
}

export const sharedSchemas: Readonly<Record<string, JsonSchema>> = {
  Problem: {
    description: "What went wrong (RFC 9457).",
    type: "object",
    required: ["type", "title", "status"],
    properties: {
      type: { type: "string", format: "uri-reference", default: "about:blank" },
      title: { type: "string", description: "The same for every problem of this kind." },
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string", description: "What happened this time." },
      instance: { type: "string", format: "uri-reference" },
      requestId: { type: "string", description: "With a 500: look for it in the log." },
    },
  },
  InvalidInput: {
    allOf: [
      { $ref: "#/components/schemas/Problem" },
      {
        type: "object",
        required: ["errors"],
        properties: {
          errors: {
            type: "array",
            minItems: 1,
            maxItems: issuesMax,
            items: {
              type: "object",
              required: ["path", "message", "code"],
              properties: {
                path: {
                  description:
                    "Where: `path`, `query`, `headers` or `body`, then the keys within. Empty: the request as a whole.",
                  type: "array",
                  items: { type: ["string", "integer"] },
                },
                message: { type: "string" },
                code: { type: "string", description: "The rule that was broken." },
              },
            },
          },
          errorsLeftOut: {
            description: "How many more there are, if any.",
            type: "integer",
            minimum: 1,
          },
        },
      },
    ],
  },
}

/** With what it means besides, where it does for this operation. */
function ofOperation(shared: ErrorResponse, operation: Operation): ErrorResponse {
  const { also } = shared
  if (!also?.happens(operation)) return shared
  return { ...shared, description: `${shared.description}\n\nOr: ${also.description}` }
}

type Described = Omit<ErrorResponse, "happens" | "also">

function response({ description, schema = "Problem", headers }: Described, more?: Json): Json {
  return {
    description,
    headers: { ...responseHeaders, ...headers },
    content: { [problemMediaType]: { schema: more ?? referTo(schema) } },
  }
}

/** A status that the operation answers for reasons of its own, and that happens to any other too. */
function both(shared: ErrorResponse, description: string): Json {
  const { schema } = shared
  return response(
    { ...shared, description: `${description}\n\nOr: ${shared.description}` },
    schema === undefined ? undefined : { anyOf: [referTo(schema), referTo("Problem")] },
  )
}

function referTo(schema: string): Json {
  return { $ref: `#/components/schemas/${schema}` }
}

/** `Service Unavailable` → `ServiceUnavailable` */
function nameOf(status: string): string {
  return (http.STATUS_CODES[status] as string).replaceAll(/[^A-Za-z]/g, "")
}

function isBytes(spec: object): boolean {
  return "kind" in spec && spec.kind === "bytes"
}
