/** `npm start`: the example under `capstan up`, with a load to begin with. */
import { firstMinute } from "./first-minute.ts"

process.argv.splice(2, 0, ...firstMinute())

await import("../src/cli/main.ts")
