/** `capstan openapi MODULE`: the OpenAPI document, without serving anything. */
import { writeFileSync } from "node:fs"
import { openApiDocument } from "../service/http/openapi.ts"
import { checkExamples } from "../service/input/examples.ts"
import { loadService } from "../service/module.ts"
import { resolveSettings } from "../service/settings.ts"
import { Failure } from "./failure.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"
import { printDocument } from "./print.ts"

/** @param output the file to write; standard output when it is left out. */
export async function openapi(
  typed: string,
  output: string | undefined,
  flags: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const module = moduleUrl(typed)
  const settings = resolveSettings({ env: process.env, flags })
  let text: string
  try {
    const service = await loadService(module)
    await checkExamples(service)
    const document = openApiDocument(service, settings)
    text = `${JSON.stringify(document, null, 2)}\n`
  } catch (error) {
    throw asFailure(loadFailure(error, module), typed)
  }
  if (output === undefined) {
    printDocument(text)
    return
  }
  try {
    writeFileSync(output, text)
  } catch (error) {
    throw new Failure(1, `${output} could not be written: ${(error as Error).message}`)
  }
}
