/**
 * Fastify as most services are written: the handler computes on the thread that serves.
 * `LOGS_REQUESTS` turns on Fastify's own logger, which is off otherwise.
 */
import { app } from "./app.ts"
import * as functions from "./functions.ts"

await app(functions, process.env.LOGS_REQUESTS !== undefined).listen({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
})
