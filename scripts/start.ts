/** `npm start`: the example under `capstan up`, with a load to begin with, at five times the pace. */
import { fileURLToPath } from "node:url"
import { firstLoad } from "./first-load.ts"

const example = fileURLToPath(new URL("../examples/prime-factor/service.ts", import.meta.url))
const given = process.argv.slice(2)
const flags = ["--cpu", "250m", "--sync-ms", "3000", "--stages", firstLoad()]
process.argv = [...process.argv.slice(0, 2), "up", example, ...flags, ...given]

await import("../src/cli/main.ts")
