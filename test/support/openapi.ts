/** OpenAPI documents of operations, as a test looks at them. */
import assert from "node:assert/strict"
import { Validator } from "@seriousme/openapi-schema-validator"
import { type OpenApiDocument, openApiDocument } from "../../src/service/http/openapi.ts"
import type { Operation } from "../../src/service/operation.ts"
import { service } from "../../src/service/service.ts"
import { resolveSettings } from "../../src/service/settings.ts"

export type Json = Readonly<Record<string, unknown>>

export interface Described {
  readonly parameters: readonly Json[]
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any part of it
  readonly requestBody?: any
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any part of it
  readonly responses: Record<string, any>
}

export function documentOf(operations: Readonly<Record<string, Operation>>) {
  const of = service({ title: "Trial", version: "1.0.0", description: "All of it.", operations })
  return openApiDocument(of, resolveSettings({}))
}

/** The document, which an independent validator accepts and in which no reference leads nowhere. */
export async function valid(document: OpenApiDocument): Promise<OpenApiDocument> {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone({ ...document }))
  assert.ok(valid, JSON.stringify(errors, null, 1))
  assert.equal(validator.version, "3.1")
  const text = JSON.stringify(document)
  for (const [, reference] of text.matchAll(/"\$ref":"([^"]*)"/g)) {
    assert.match(reference as string, /^#\/components\//)
    assert.ok(lookUp(document, reference as string), `${reference} leads nowhere`)
  }
  return document
}

/** What a reference within the document leads to. */
export function lookUp(document: object, reference: string): unknown {
  let found: unknown = document
  for (const key of reference.slice(2).split("/")) {
    found = (found as Record<string, unknown> | undefined)?.[key]
  }
  return found
}
