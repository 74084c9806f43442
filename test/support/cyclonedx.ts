/** Whether a bill of materials is one: CycloneDX's own schemas, of version 1.5, as its project publishes them. */
import { readFileSync } from "node:fs"
import { brotliDecompressSync } from "node:zlib"
import { Ajv } from "ajv"

const published = new URL("../fixtures/kubernetes/cyclonedx-1.5.json.br", import.meta.url)

/** What is not as the format has it; empty when all is. */
export function billErrors(bill: unknown): string {
  const schemas: readonly [{ readonly $id: string }, ...object[]] = JSON.parse(
    brotliDecompressSync(readFileSync(published)).toString(),
  )
  const ajv = new Ajv({ strict: false, validateFormats: false, schemas: [...schemas] })
  return ajv.validate(schemas[0].$id, bill) ? "" : ajv.errorsText(ajv.errors?.slice(0, 5))
}
