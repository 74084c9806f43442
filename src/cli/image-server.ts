/**
 * The program of an image: `capstan serve` of the `service.js` that lies beside it, without the rest
 * of the command line. Settings come from the environment.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { serve } from "./serve.ts"
import { tellFailure } from "./tell.ts"

/** Where the project's folder is in the image, from here; bundle.ts writes it in. */
declare const capstanStart: string
const start = fileURLToPath(new URL(capstanStart, import.meta.url))
// Where files of the project are in the image, they are read as they are read there.
if (existsSync(start)) process.chdir(start)

const service = fileURLToPath(new URL("./service.js", import.meta.url))
const exitCode = await serve(service, {}).catch(tellFailure)
// Ends the process even if the service has left something behind, once all output has been written.
process.stdout.write("", () => process.exit(exitCode))
