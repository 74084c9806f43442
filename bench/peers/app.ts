/**
 * The HTTP side of the peers in Node: one Fastify application with the four functions, whoever runs
 * them. Schemas in and out, as Fastify's documentation recommends for production. No logger unless asked for.
 */
import Fastify, { type FastifyInstance } from "fastify"
import type { ZodType } from "zod"
import { largeBytesMax, longAnswer, schemas } from "../attacks.ts"
import type { Hello } from "../work.ts"

/** Who runs the functions: this thread, or a pool. */
export interface Runner {
  hello(n: number): Hello | Promise<Hello>
  spin20(): number | Promise<number>
  empty(): boolean | Promise<boolean>
}

export function app(run: Runner, logger = false): FastifyInstance {
  const fastify = Fastify({ logger })
  fastify.post<{ Body: { n: number } }>(
    "/api/v1/hello",
    { schema: { body: helloInput, response: { 200: helloOutput } } },
    async ({ body }) => run.hello(body.n),
  )
  fastify.get("/spin20", { schema: { response: { 200: one("result", "integer") } } }, async () => ({
    result: await run.spin20(),
  }))
  fastify.get("/empty", { schema: { response: { 200: one("ok", "boolean") } } }, async () => ({
    ok: await run.empty(),
  }))
  for (const path of ["/ping", "/livez"]) {
    fastify.get(path, { schema: { response: { 200: one("ping", "string") } } }, async () => ({
      ping: "pong!",
    }))
  }
  fastify.get("/long", async () => longAnswer)
  for (const [name, body] of Object.entries(schemas)) {
    fastify.post(
      `/hostile/${name}`,
      {
        schema: { body, response: { 200: one("done", "boolean") } },
        validatorCompiler: () => zodValidator(body),
        ...(name === "large" ? { bodyLimit: largeBytesMax } : {}),
      },
      async () => ({ done: true }),
    )
  }
  return fastify
}

/** Zod in Fastify, as its documentation has it for validators other than its own. */
function zodValidator(schema: ZodType) {
  return (data: unknown) => {
    const { data: value, error } = schema.safeParse(data)
    return error === undefined ? { value } : { error }
  }
}

const helloInput = {
  type: "object",
  required: ["n"],
  properties: { n: { type: "integer", minimum: 2, maximum: Number.MAX_SAFE_INTEGER } },
}
const helloOutput = {
  type: "object",
  properties: {
    message1: { type: "string" },
    message2: { type: "string" },
    n: { type: "integer" },
    largest_prime_factor: { type: "integer" },
    elapsed_time: { type: "number" },
  },
}

function one(name: string, type: string): object {
  return { type: "object", properties: { [name]: { type } } }
}
