/** A stream to look at, and how a client asks for one as events. */
import * as z from "zod"
import { operation } from "../../src/service/operation.ts"

export const count = operation({
  method: "GET",
  path: "/count/{to}",
  params: z.object({ to: z.int() }),
  output: z.object({ n: z.int() }),
  async *run({ path }) {
    for (let n = 0; n < path.to; n++) yield { n }
  },
})
export const sse = { accept: "text/event-stream" }
