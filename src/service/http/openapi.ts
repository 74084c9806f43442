/**
 * The OpenAPI 3.1 document of a service. It is a function of what the service says about itself, so
 * it can be printed, checked in and compared without serving anything.
 */

import { deadlineHeader } from "../../core/http/deadline-header.ts"
import type { BytesBody, FileField, MultipartBody } from "../body.ts"
import { bodyBytesMaxOf } from "../input/place.ts"
import {
  discriminatorOf,
  inShape,
  propertiesOf,
  requiredOf,
  type Shape,
  shapesOf,
} from "../input/shapes.ts"
import type { Operation } from "../operation.ts"
import { describe, isSchema, type JsonSchema, type Schema } from "../schema.ts"
import type { Service } from "../service.ts"
import type { ResolvedSettings } from "../settings.ts"
import {
  bytesExamples,
  formExamples,
  jsonExamples,
  otherExamples,
  parameterExamples,
  partIn,
  withFieldExamples,
} from "./openapi-examples.ts"
import {
  errorResponsesOf,
  responseHeaders,
  sharedHeaders,
  sharedResponses,
  sharedSchemas,
} from "./openapi-responses.ts"
import { SchemaComponents } from "./openapi-schemas.ts"
import { streamMediaTypes } from "./stream.ts"

type Json = Readonly<Record<string, unknown>>

export interface OpenApiDocument {
  readonly openapi: "3.1.1"
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly tags?: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Json>>
  readonly components: Json
}

/** @throws {Error} naming the operation and the part of it whose schema has no JSON Schema. */
export function openApiDocument(service: Service, settings: ResolvedSettings): OpenApiDocument {
  const components = new SchemaComponents()
  const paths: Record<string, Json> = {}
  for (const [name, operation] of service.operations) {
    const method = operation.method.toLowerCase()
    paths[operation.path] = {
      ...paths[operation.path],
      [method]: describeOperation(name, operation, settings, components),
    }
  }
  const { schemas, refer } = components.settle(Object.keys(sharedSchemas))
  const tags = new Set([...service.operations.values()].flatMap((operation) => operation.tags))
  return {
    openapi: "3.1.1",
    info: {
      title: service.title,
      version: service.version,
      ...(service.description === undefined ? {} : { description: service.description }),
    },
    ...(tags.size === 0 ? {} : { tags: Array.from(tags, (name) => ({ name })) }),
    paths: refer(paths),
    components: {
      schemas: { ...schemas, ...sharedSchemas },
      responses: sharedResponses(service.operations.values()),
      headers: sharedHeaders,
      parameters: { TimeAllowed: timeAllowed },
    },
  }
}

const timeAllowed: Json = {
  name: deadlineHeader,
  in: "header",
  description:
    "How long the client waits, in milliseconds. The operation's own deadline holds where it is less.",
  required: false,
  schema: { type: "integer", minimum: 1 },
}

function describeOperation(
  name: string,
  operation: Operation,
  settings: ResolvedSettings,
  components: SchemaComponents,
): Json {
  const { summary, description, tags } = operation
  const body = requestBody(name, operation, settings, components)
  return {
    operationId: name,
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(tags.length === 0 ? {} : { tags }),
    parameters: [
      ...parameters(operation, "path", name, components),
      ...parameters(operation, "query", name, components),
      ...parameters(operation, "header", name, components),
      { $ref: "#/components/parameters/TimeAllowed" },
    ],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { ...success(name, operation, components), ...errorResponsesOf(operation) },
  }
}

/** OpenAPI says elsewhere what these are about, and ignores them as parameters. */
const impliedHeaders = ["accept", "content-type", "authorization"]

function parameters(
  operation: Operation,
  place: "path" | "query" | "header",
  name: string,
  components: SchemaComponents,
): readonly Json[] {
  const schema = operation[partIn[place]]
  if (schema === undefined) return []
  const what = `The ${place} of operation "${name}"`
  const whole = components.place(describe(schema, "input", what), `${name}_${place}`, "input")
  const root = { ...whole, components: { schemas: components.schemas } }
  const shapes = inShape(what, () => shapesOf(root))
  const required = requiredOf(shapes)
  const parameters: Json[] = Array.from(propertiesOf(shapes))
    .filter(([property]) => place !== "header" || !impliedHeaders.includes(property))
    .map(([property, { description, ...rest }]) => {
      const said = [description, required.has(property) ? undefined : whenOf(property, shapes)]
        .filter((text) => text !== undefined)
        .join("\n\n")
      return {
        name: property,
        in: place,
        ...(said === "" ? {} : { description: said }),
        required: place === "path" || required.has(property),
        schema: rest,
        ...parameterExamples(operation, place, property),
      }
    })
  const others =
    place === "query" ? othersOf(shapes, parameters.length === 0 ? whole : {}) : undefined
  if (others === undefined) return parameters
  // Exploded, its properties are parameters of their own, and its name is never sent.
  let free = "query"
  while (parameters.some((parameter) => parameter.name === free)) free += "_"
  const names = new Set(propertiesOf(shapes).keys())
  return [
    ...parameters,
    {
      name: free,
      in: place,
      style: "form",
      explode: true,
      schema: others,
      ...otherExamples(operation, names),
    },
  ]
}

/** Parameters of any name, as one object; `whole` where the schema names none at all. */
function othersOf(shapes: readonly Shape[], whole: JsonSchema): JsonSchema | undefined {
  if (Object.keys(whole).length > 0) return whole
  const [others] = shapes
    .map((shape) => shape.others)
    .filter((schema) => schema !== false && Object.keys(schema).length > 0)
  return others ? { type: "object", additionalProperties: others } : undefined
}

/**
 * When a property may or must be there, where only some branches have it and one other tells them
 * apart.
 */
function whenOf(property: string, shapes: readonly Shape[]): string | undefined {
  const discriminator = discriminatorOf(shapes)
  if (discriminator === undefined) return undefined
  const { name, values } = discriminator
  const valuesWhere = (holds: (shape: Shape) => boolean): string | undefined => {
    const found = values.filter((_, at) => holds(shapes[at] as Shape)).flat()
    return found.length === 0 || found.length === values.flat().length
      ? undefined
      : found.map((value) => `\`${value}\``).join(" or ")
  }
  const only = valuesWhere(({ properties }) => properties.has(property))
  const needed = valuesWhere(({ required }) => required.has(property))
  if (only === undefined) return needed && `Required where \`${name}\` is ${needed}.`
  if (needed === undefined) return `Only where \`${name}\` is ${only}.`
  if (needed === only) return `Only where \`${name}\` is ${only}, and required there.`
  return `Only where \`${name}\` is ${only}, and required where it is ${needed}.`
}

function requestBody(
  name: string,
  operation: Operation,
  settings: ResolvedSettings,
  components: SchemaComponents,
): Json | undefined {
  const { body } = operation
  if (body === undefined) return undefined
  const description = `At most ${bodyBytesMaxOf(operation, settings)} bytes.`
  if (isSchema(body)) {
    const schema = components.place(
      describe(body, "input", `The body of operation "${name}"`),
      `${name}_body`,
      "input",
    )
    const media = { schema, ...jsonExamples(operation, "body") }
    const described = `${description} Any \`application/*+json\` is read as JSON.`
    return {
      description: described,
      required: !takesNothing(body),
      content: { "application/json": media },
    }
  }
  const content =
    body.kind === "bytes"
      ? bytesContent(operation, "body")
      : formContent(name, operation, components)
  return { description, required: true, content }
}

/** Whether a body may be left out. JSON Schema has no word for it, so the schema itself is asked. */
function takesNothing(schema: Schema): boolean {
  try {
    const result = schema["~standard"].validate(undefined)
    return !(result instanceof Promise) && result.issues === undefined
  } catch {
    return false
  }
}

/** `format` is how tools that grew up with OpenAPI 3.0 know that they should offer a file. */
const anyBytes: JsonSchema = { type: "string", format: "binary" }

function bytesContent(operation: Operation, part: "body" | "output"): Json {
  const { mediaTypes } = operation[part] as BytesBody
  return Object.fromEntries(
    mediaTypes.map((range) => {
      const examples = bytesExamples(operation, part, range, mediaTypes)
      return [range, { schema: anyBytes, ...examples }]
    }),
  )
}

function formContent(name: string, operation: Operation, components: SchemaComponents): Json {
  const { fields, files } = operation.body as MultipartBody
  const fileNames = Object.keys(files)
  const filesSchema: JsonSchema = {
    type: "object",
    properties: Object.fromEntries(fileNames.map((file) => [file, anyBytes])),
    required: fileNames.filter((file) => !(files[file] as FileField).optional),
  }
  const schema = fields === undefined ? filesSchema : joined(name, fields, filesSchema, components)
  const encoding = {
    ...Object.fromEntries(Object.entries(schema.properties as Json).flatMap(listEncoding)),
    ...Object.fromEntries(
      fileNames
        .filter((file) => (files[file] as FileField).mediaTypes.length > 0)
        .map((file) => [file, { contentType: (files[file] as FileField).mediaTypes.join(", ") }]),
    ),
  }
  return {
    "multipart/form-data": {
      schema: withFieldExamples(schema, operation),
      ...(Object.keys(encoding).length === 0 ? {} : { encoding }),
      ...formExamples(operation),
    },
  }
}

/** A list of what a text can be is a field for each; Swagger UI would send one, joined by commas. */
function listEncoding([name, property]: [string, unknown]): readonly (readonly [string, Json])[] {
  const { type, items } = property as JsonSchema
  const item = (items as JsonSchema | undefined)?.type
  const isOfTexts =
    type === "array" && ["string", "number", "integer", "boolean"].includes(`${item}`)
  return isOfTexts ? [[name, { style: "form", explode: true }]] : []
}

/**
 * Fields and files as one object with all properties, which is what documentation tools can show as
 * a form; where the fields are a union, with its branches beside them.
 */
function joined(
  name: string,
  fields: Schema,
  files: JsonSchema,
  components: SchemaComponents,
): JsonSchema {
  const what = `The form fields of operation "${name}"`
  const placed = components.place(describe(fields, "input", what), `${name}_form`, "input")
  if (placed.type === "object") return withFiles(placed, files)
  const root = { ...placed, components: { schemas: components.schemas } }
  const shapes = inShape(what, () => shapesOf(root))
  const whole = withFiles(
    {
      type: "object",
      properties: Object.fromEntries(propertiesOf(shapes)),
      required: Array.from(requiredOf(shapes)),
    },
    files,
  )
  if (shapes.length === 1) return whole
  const branches = shapes.map((shape) => withFiles(objectOf(shape), files))
  const discriminator = discriminatorOf(shapes)
  if (discriminator === undefined) return { ...whole, anyOf: branches }
  const { name: propertyName, values } = discriminator
  const references = branches.map((branch, at) =>
    components.add(branch, `${name}_form_${at + 1}`, "input"),
  )
  const mapping = Object.fromEntries(
    values.flatMap((some, at) => some.map((value) => [value, references[at]?.$ref])),
  )
  return { ...whole, oneOf: references, discriminator: { propertyName, mapping } }
}

function objectOf({ properties, required, others }: Shape): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    required: Array.from(required),
    ...(others === false ? { additionalProperties: false } : {}),
  }
}

function withFiles(fields: JsonSchema, files: JsonSchema): JsonSchema {
  return {
    ...fields,
    properties: { ...(fields.properties as Json | undefined), ...(files.properties as Json) },
    required: [
      ...((fields.required as string[] | undefined) ?? []),
      ...(files.required as string[]),
    ],
  }
}

function success(name: string, operation: Operation, components: SchemaComponents): Json {
  const { output } = operation
  const headers = responseHeaders
  if (output === undefined) return { 204: { description: "Done.", headers } }
  if (!isSchema(output)) {
    return {
      200: { description: "The bytes.", headers, content: bytesContent(operation, "output") },
    }
  }
  const schema = components.place(
    describe(output, "output", `The output of operation "${name}"`),
    `${name}_output`,
    "output",
  )
  const media = { schema, ...jsonExamples(operation, "output") }
  if (!operation.streams) {
    return { 200: { description: "The result.", headers, content: { "application/json": media } } }
  }
  const [ndjson, sse] = streamMediaTypes
  const description =
    "The items as they are made: one JSON document a line, or for a client that accepts " +
    "`text/event-stream`, one server-sent event each. The schema is that of one item. A failure " +
    "after the first item breaks the connection, or is an event named `error` with a problem as its data. " +
    "Events are numbered by their ids; the last is named `end`, and it and `error` have the id `end`."
  const content = { [ndjson]: media, [sse]: media }
  const over = "There are no more events, for a client that asks again with `last-event-id: end`."
  return {
    200: { description, headers, content },
    204: { description: over, headers },
  }
}
