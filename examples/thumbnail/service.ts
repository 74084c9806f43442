/** A picture in, a small one out: bytes both ways, with a native addon doing the work. */
import { bytes, operation, service } from "capstan"
import * as z from "zod"
import { fits, formats, pixelsMax, prepareSharp, thumbnail } from "./thumbnail.ts"

const picture = { bytes: new URL("./example.jpg", import.meta.url), mediaType: "image/jpeg" }

const side = z.int().min(1).max(2048)

const create = operation({
  method: "POST",
  path: "/api/v1/thumbnail",
  summary: "Makes a small picture of a large one",
  description:
    "Send the picture as the body. The answer is upright, carries no metadata, and is never larger " +
    "than the original when `fit` is `inside`. Of an animation it is the first frame.",
  tags: ["pictures"],
  query: z.object({
    width: side.optional().describe("In pixels. 256 when height is left out too."),
    height: side.optional().describe("In pixels."),
    fit: z
      .enum(fits)
      .default("inside")
      .describe(
        "When both sides are given. inside: fits into them; outside: covers at least both; cover: " +
          "exactly both, cut; contain: exactly both, padded; fill: exactly both, stretched.",
      ),
    format: z.enum(formats).default("webp"),
  }),
  body: bytes("image/png", "image/jpeg", "image/webp", "image/avif"),
  output: bytes("image/png", "image/jpeg", "image/webp", "image/avif"),
  examples: {
    square: {
      summary: "A square of it, as AVIF",
      query: { width: 96, height: 96, fit: "cover", format: "avif" },
      body: picture,
    },
    narrow: { summary: "As wide as 64 pixels", query: { width: 64 }, body: picture },
  },
  problems: {
    413: `The body has more than 20 MiB, or the picture more than ${pixelsMax / 1e6} megapixels.`,
    422: "The query is wrong, or the picture can't be decoded.",
  },
  bodyBytesMax: 20 * 1024 * 1024,
  deadlineMs: 10_000,
  setup: prepareSharp,
  async run({ query, body }, { deadlineAtMs, log }) {
    const width = query.width ?? (query.height === undefined ? 256 : undefined)
    const startedAtMs = performance.now()
    const small = await thumbnail(body.bytes, { ...query, width }, deadlineAtMs)
    log.debug("made a thumbnail", {
      bytesIn: body.bytes.byteLength,
      bytesOut: small.bytes.byteLength,
      tookMs: performance.now() - startedAtMs,
    })
    return small
  },
})

export default service({
  title: "Thumbnails",
  version: "1.0.0",
  description: "Small pictures of large ones, by libvips (through sharp).",
  operations: { create },
})
