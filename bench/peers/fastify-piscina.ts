/**
 * Fastify with Piscina's worker threads, one for each core of the bench. `PISCINA_MAX_QUEUE=auto` is
 * Piscina's own `maxQueue: "auto"`: what exceeds the square of its threads is refused, with 503 here.
 * Without it the queue has no bound, which is Piscina's default.
 */
import { Piscina } from "piscina"
import type { Hello } from "../work.ts"
import { app } from "./app.ts"

const threads = 2
const pool = new Piscina({
  filename: new URL("./functions.ts", import.meta.url).href,
  minThreads: threads,
  maxThreads: threads,
  ...(process.env.PISCINA_MAX_QUEUE === "auto" ? { maxQueue: "auto" as const } : {}),
})

const fastify = app({
  hello: (n): Promise<Hello> => pool.run(n, { name: "hello" }),
  spin20: (): Promise<number> => pool.run(undefined, { name: "spin20" }),
  empty: (): Promise<boolean> => pool.run(undefined, { name: "empty" }),
})
fastify.setErrorHandler(async (error, _request, reply) => {
  const full = error instanceof Error && error.message === "Task queue is at limit"
  reply.code(full ? 503 : 500)
  return { error: full ? "overloaded" : "failed" }
})
await fastify.listen({ host: "127.0.0.1", port: Number(process.env.PORT) })
