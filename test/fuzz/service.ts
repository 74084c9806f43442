/** One operation for each way in and out, to be fuzzed. */
import { bytes, file, multipart, operation, optionalFile, problem, service } from "capstan"
import * as z from "zod"

const item = z.object({ id: z.string(), price: z.number(), tags: z.array(z.string()) })

export default service({
  title: "Every way in and out",
  version: "1.0.0",
  operations: {
    find: operation({
      method: "GET",
      path: "/items/{id}",
      params: z.object({ id: z.string().regex(/^[a-z0-9]{1,16}$/) }),
      query: z.object({
        limit: z.int().min(1).max(100).default(10),
        deep: z.boolean().optional(),
        tag: z.array(z.string().min(1)).optional(),
      }),
      output: item,
      problems: { 404: "There is no such item." },
      run({ path, query }) {
        if (path.id.startsWith("z")) throw problem(404, "There is no such item.")
        return { id: path.id, price: query.limit, tags: query.tag ?? [] }
      },
    }),
    replace: operation({
      method: "PUT",
      path: "/items/{id}",
      params: z.object({ id: z.string().min(1).max(16) }),
      body: item,
      compress: true,
      output: item,
      run: ({ body }) => body,
    }),
    remove: operation({
      method: "DELETE",
      path: "/items/{id}",
      params: z.object({ id: z.string().min(1).max(16) }),
      run() {},
    }),
    reverse: operation({
      path: "/bytes",
      body: bytes("application/octet-stream", "image/png"),
      output: bytes("application/octet-stream"),
      run: ({ body }) => body.bytes.toReversed(),
    }),
    upload: operation({
      path: "/form",
      body: multipart({
        fields: z.object({ title: z.string().min(1), count: z.int().min(0).max(9).optional() }),
        files: { image: file(), note: optionalFile() },
      }),
      output: z.object({ title: z.string(), bytes: z.int() }),
      run: ({ body: { fields, files } }) => ({
        title: fields.title,
        bytes: files.image.bytes.length + (files.note?.bytes.length ?? 0),
      }),
    }),
    count: operation({
      method: "GET",
      path: "/count",
      query: z.object({ to: z.int().min(0).max(50) }),
      output: z.object({ n: z.int() }),
      *run({ query }) {
        for (let n = 0; n < query.to; n++) yield { n }
      },
    }),
    ping: operation({
      method: "GET",
      path: "/ping",
      thread: "main",
      output: z.object({ ping: z.literal("pong!") }),
      run: () => ({ ping: "pong!" as const }),
    }),
  },
})
