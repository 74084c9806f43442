/** What every Fastify application of ours leaves off. */
import type { FastifyServerOptions } from "fastify"

const unused = (): never => {
  throw new Error("Fastify's own schemas are not used here: their compilers are not even loaded.")
}

export const fastifyDefaults = {
  logger: false,
  // Ajv and its like take most of the time that it takes to make a Fastify application.
  schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
} satisfies FastifyServerOptions
