/** What Watt runs in each of its workers: the same Fastify application, the functions inline. */
import type { FastifyInstance } from "fastify"
import { app } from "../app.ts"
import * as functions from "../functions.ts"

export function create(): FastifyInstance {
  return app(functions)
}
