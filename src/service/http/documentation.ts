/**
 * `/openapi.json` and Swagger UI at `/docs`, all of it out of the package: it works without a
 * network, and its page may load nothing from elsewhere. Its links are relative, because a proxy in
 * front may have taken away the beginning of the path, of which only the browser knows.
 *
 * Swagger UI's plugins take longer to load than the rest of the server, and most replicas are never
 * asked for it, so it is an application of its own that is made when somebody first looks.
 */
import { Readable } from "node:stream"
import Fastify, { type FastifyInstance } from "fastify"
import { takenAtOnceBytes, type Unread } from "../../core/http/unread.ts"
import { problem } from "../problem.ts"
import type { Service } from "../service.ts"
import type { ResolvedSettings } from "../settings.ts"
import { fastifyDefaults } from "./fastify-defaults.ts"
import { type OpenApiDocument, openApiDocument } from "./openapi.ts"
import { problemMediaType, send, sendThrown, setCommonHeaders } from "./send.ts"

/** The paths, in their normal form, that no operation can have while the documentation is served. */
export const documentationPaths = /^\/(openapi\.json|docs(\/.*)?)$/

/**
 * Adds the documentation's routes.
 * @throws {Error} when a schema has no JSON Schema.
 */
export function addDocumentation(
  app: FastifyInstance,
  service: Service,
  settings: ResolvedSettings,
  unread: Unread,
): void {
  const document = openApiDocument(service, settings)
  const text = JSON.stringify(document)
  app.get("/openapi.json", ({ exchange }) => {
    send(exchange, 200, "ok", { "content-type": "application/json" }, text)
  })

  let made: Promise<FastifyInstance> | undefined
  for (const url of ["/docs", "/docs/*"]) {
    app.get(url, ({ exchange, raw }, reply) => {
      made ??= swaggerUi(document, unread)
      made.then(
        (ui) => {
          setCommonHeaders(exchange)
          ui.routing(raw, reply.raw)
        },
        (error: unknown) => sendThrown(exchange, error),
      )
    })
  }
}

/**
 * As tight as Swagger UI lets it: it styles elements inline, shows its icons as `data:` and images
 * that an operation answered as `blob:`.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

/**
 * Tells the page that the operations are where it is itself. It runs in the browser, as it is written
 * here, and sees all answers, that with the document among them.
 */
function withPrefix<Response extends { readonly url: string; text?: string }>(
  response: Response,
): Response {
  const [, prefix] = /^(.+)\/docs\/json$/.exec(new URL(response.url).pathname) ?? []
  if (prefix === undefined || response.text === undefined) return response
  response.text = JSON.stringify({ ...JSON.parse(response.text), servers: [{ url: prefix }] })
  return response
}

/** Of a file: the piece that waits to be written, and the next one. */
const fileBytesHeld = 131_072

/** What an answer holds of memory until its client takes it. */
function bytesHeld(payload: unknown): number {
  if (typeof payload === "string") return Buffer.byteLength(payload)
  if (payload instanceof Uint8Array) return payload.byteLength
  return payload instanceof Readable ? fileBytesHeld : 0
}

async function swaggerUi(document: OpenApiDocument, unread: Unread): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: ui }] = await Promise.all([
    import("@fastify/swagger"),
    import("@fastify/swagger-ui"),
  ])
  const app = Fastify(fastifyDefaults)
  app.setNotFoundHandler((_request, reply) => {
    const details = problem(404, "There is nothing at this path.")
    reply
      .code(404)
      .type(problemMediaType)
      .send(Buffer.from(JSON.stringify(details)))
  })
  app.addHook<unknown>("onSend", async (_request, { raw }, payload) => {
    const bytes = bytesHeld(payload)
    if (bytes > takenAtOnceBytes) unread.hold(raw, bytes)
  })
  await app.register(swagger, { mode: "static", specification: { document: document as never } })
  await app.register(ui, {
    routePrefix: "/docs",
    indexPrefix: ".",
    staticCSP: pagePolicy,
    theme: { title: document.info.title },
    uiConfig: {
      // The other layout has a bar to load any document from anywhere.
      layout: "BaseLayout",
      responseInterceptor: withPrefix as never,
      deepLinking: true,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
    },
  })
  await app.ready()
  return app
}
