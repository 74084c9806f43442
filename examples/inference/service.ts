/** A picture of a line of text in, its text out: a model that is loaded once in each worker. */
import { bytes, operation, service } from "capstan"
import * as z from "zod"
import { loadReader, readLine } from "./reader.ts"

const read = operation({
  path: "/read",
  summary: "Reads a line of text from a picture",
  body: bytes("image/png", "image/jpeg", "image/webp"),
  output: z.object({
    text: z.string(),
    confidence: z.number().min(0).max(1).describe("How sure the model is, on average."),
  }),
  examples: {
    line: {
      summary: "A line of text",
      body: { bytes: new URL("./line.png", import.meta.url), mediaType: "image/png" },
      output: { text: "Capstan reads 42 lines.", confidence: 0.998 },
    },
  },
  problems: { 422: "The picture can't be decoded, or is too wide for its height." },
  bodyBytesMax: 5 * 1024 * 1024,
  deadlineMs: 5_000,
  setup: loadReader,
  dispose: ({ session }) => session.release(),
  // A worker that was ended would have to be replaced by one that loads the model again (see README).
  stop: "wait",
  run: ({ body }, { state, signal }) => readLine(state, body.bytes, signal),
})

export default service({ title: "Reader", version: "1.0.0", operations: { read } })
