/**
 * The program of an image: `capstan serve` of the `service.js` that lies beside it, without the rest
 * of the command line. Settings come from the environment.
 */
import { fileURLToPath } from "node:url"
import { serve } from "./serve.ts"
import { tellFailure } from "./tell.ts"

const service = fileURLToPath(new URL("./service.js", import.meta.url))
const exitCode = await serve(service, {}).catch(tellFailure)
// Ends the process even if the service has left something behind, once all output has been written.
process.stdout.write("", () => process.exit(exitCode))
