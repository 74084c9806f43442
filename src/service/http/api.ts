/**
 * The API port: the service's operations as routes, its documentation, and an answer to everything
 * else.
 *
 * Fastify does the routing, and its plugins do forms, CORS and documentation. Its logger, its
 * serialisers and its validation are off: the operations' own schemas check, the workers serialise,
 * and each request is one line in the log, written at its end by {@link Exchange}.
 */
import type { Server } from "node:http"
import type { Socket } from "node:net"
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify"
import type pino from "pino"
import { corsMethods, exposedHeaders, preflightAgeS } from "../../core/http/cors.ts"
import { Peers } from "../../core/http/peers.ts"
import { Pipelines } from "../../core/http/pipelines.ts"
import { requestIdOf } from "../../core/http/request-id.ts"
import { Unread } from "../../core/http/unread.ts"
import { ambiguity } from "../../core/http/unreadable.ts"
import { keepListenersYoung } from "../../core/http/young-listeners.ts"
import { onceASecond } from "../../core/once-a-second.ts"
import { unreadBytesMaxOf } from "../bounds.ts"
import { availableCores } from "../cpu.ts"
import { checkExamples } from "../input/examples.ts"
import type { Compute } from "../outcome.ts"
import { normalPath, pathPattern, routedUrl } from "../path.ts"
import { problem } from "../problem.ts"
import type { Service } from "../service.ts"
import type { ResolvedSettings } from "../settings.ts"
import { answerClientError } from "./client-error.ts"
import { Connections } from "./connection.ts"
import { addDocumentation, documentationPaths } from "./documentation.ts"
import { Exchange, type Surroundings } from "./exchange.ts"
import { fastifyDefaults } from "./fastify-defaults.ts"
import { KnownPaths } from "./methods.ts"
import { type Lost, Receiving } from "./receiving.ts"
import type { RequestRecord } from "./record.ts"
import { RefusalPace } from "./refusal-pace.ts"
import { operationRoute } from "./route.ts"
import { sendProblem, sendThrown, setCommonHeaders } from "./send.ts"

export interface ApiDeps {
  readonly service: Service
  readonly settings: ResolvedSettings
  readonly compute: Compute
  readonly log: pino.Logger
  /** While it says so, every response carries `Connection: close`. */
  readonly isDraining: () => boolean
  /** Told of each request when it is over. */
  readonly observe: (record: RequestRecord) => void
  /** On the clock of `performance.now()`, for tests. */
  readonly now?: () => number
  /** What this process has lost of its time, for tests. */
  readonly attention?: Lost
  /** That this process may use. @default what there is */
  readonly cores?: number
  /** @default as many as the settings say */
  readonly connectionsMax?: number
}

/** How often node:http looks for connections that have used up their time. */
const connectionsCheckMs = 1000

/** A path's length is bounded by that of the headers; what a parameter may be is its schema's to say. */
const parameterLengthMax = 16_384

/**
 * The API, ready and not listening.
 * @throws {Error} when a schema can't be used, an example is not what its operation takes, or an
 * operation's path belongs to the documentation.
 */
export async function createApi(deps: ApiDeps): Promise<FastifyInstance> {
  const { service, settings, log, connectionsMax = settings.connectionsMax } = deps
  const unreadBytesMax = unreadBytesMaxOf(settings)
  const peers = new Peers(
    connectionsMax,
    onceASecond(() => log.warn({ connectionsMax }, tooManyConnections)),
  )
  const surroundings: Surroundings = {
    settings,
    compute: deps.compute,
    log,
    isDraining: deps.isDraining,
    observe: deps.observe,
    now: deps.now ?? (() => performance.now()),
    connections: new Connections(settings),
    refusalPace: new RefusalPace(deps.cores ?? availableCores()),
    receiving: new Receiving(deps.attention),
    unread: new Unread({
      bytesMax: unreadBytesMax,
      stallMs: settings.requestTimeoutMs,
      full: onceASecond(() => log.warn({ unreadBytesMax }, tooMuchUnread)),
    }),
    pipelines: new Pipelines((request, response) => {
      const url = request.url as string
      if (url.includes("%")) {
        Object.assign(request, { url: routedUrl(url), originalUrl: url })
      }
      app.routing(request, response)
    }, peers),
  }
  const begin = (request: FastifyRequest, reply: FastifyReply): Exchange => {
    request.exchange = new Exchange(surroundings, request, reply)
    return request.exchange
  }

  const app = Fastify({
    ...fastifyDefaults,
    genReqId: ({ headers }) => requestIdOf(headers).id,
    http: {
      headersTimeout: settings.headersTimeoutMs,
      // Node compares the two, and its default is less than this one may be.
      requestTimeout: settings.requestTimeoutMs,
      connectionsCheckingInterval: connectionsCheckMs,
      // Both are answered by hooks of ours, as problems.
      requireHostHeader: false,
      optimizeEmptyRequests: true,
    },
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    // Who drains decides what becomes of open connections.
    return503OnClosing: false,
    routerOptions: { maxParamLength: parameterLengthMax },
    frameworkErrors: (_error, request, reply) => {
      sendProblem(begin(request, reply), problem(400, badUrl).details, "bad-request")
    },
    clientErrorHandler: (error, socket) => answerClientError(surroundings, error, socket as Socket),
  })
  tuneServer(app, peers, surroundings.pipelines)

  const known = new KnownPaths()
  app.decorateRequest("exchange", null as never)
  app.addHook("onRequest", (request, reply, done) => {
    const exchange = begin(request, reply)
    const ambiguous = ambiguity(request.raw)
    if (ambiguous !== undefined) {
      sendProblem(exchange, problem(ambiguous.status, ambiguous.detail).details, "bad-request")
    } else if (request.headers.host === undefined && request.raw.httpVersion === "1.1") {
      sendProblem(exchange, problem(400, "The header host is missing.").details, "bad-request")
    } else done()
  })
  if (settings.corsOrigins.length > 0) {
    // The plugin answers preflights itself.
    app.addHook("onSend", ({ exchange }, _reply, payload, done) => {
      setCommonHeaders(exchange)
      done(null, payload)
    })
    const { default: fastifyCors } = await import("@fastify/cors")
    await app.register(fastifyCors, corsOptions(settings))
  }
  // Here rather than in the handler, which is called when Fastify has made sense of the body.
  app.addHook("onRequest", ({ exchange, is404 }, _reply, done) => {
    if (is404) sendUnknown(exchange, known)
    else done()
  })
  app.setErrorHandler((error, { exchange }) => sendThrown(exchange, error))
  app.setNotFoundHandler(({ exchange }) => sendUnknown(exchange, known))
  // Bodies are read by those who know what they should be.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", (_request, _payload, done) => done(null))

  await addOperations(app, service, settings, known)
  await checkExamples(service)
  if (settings.docs === "on") {
    known.add(documentationPaths, "GET")
    addDocumentation(app, service, settings, surroundings.unread)
  }
  await app.ready()
  return app
}

const tooManyConnections =
  "there are as many connections as there may be: each new one costs whoever has the most an idle one, or is refused"
const tooMuchUnread =
  "clients leave more of their answers unread than may be held: who has read nothing for longest is cut off"

const badUrl =
  "The URL can't be decoded: a % in it is not followed by two hexadecimal digits of UTF-8."

async function addOperations(
  app: FastifyInstance,
  service: Service,
  settings: ResolvedSettings,
  known: KnownPaths,
): Promise<void> {
  const forms: ((child: FastifyInstance) => void)[] = []
  for (const [name, operation] of service.operations) {
    const { path, segments, method, body } = operation
    if (settings.docs === "on" && documentationPaths.test(normalPath(path) ?? path)) {
      throw new TypeError(
        `Operation "${name}" has the path ${path}, where the documentation is; choose another, or set docs to off.`,
      )
    }
    known.add(pathPattern(segments), method)
    const add = (to: FastifyInstance): void => {
      to.route(operationRoute(name, operation, settings))
    }
    const isForm = body !== undefined && "kind" in body && body.kind === "multipart"
    if (isForm) forms.push(add)
    else add(app)
  }
  if (forms.length === 0) return
  // The plugin adds to what every request costs, so only forms get it.
  const { default: fastifyMultipart } = await import("@fastify/multipart")
  await app.register(async (child) => {
    await child.register(fastifyMultipart)
    for (const add of forms) add(child)
  })
}

function sendUnknown(exchange: Exchange, known: KnownPaths): void {
  const { method } = exchange
  const path = normalPath(exchange.path)
  if (path === undefined) {
    // The router, which has nothing to look up for some methods, has not looked.
    sendProblem(exchange, problem(400, badUrl).details, "bad-request")
    return
  }
  const allow = known.allowed(path)
  if (allow === undefined) {
    sendProblem(exchange, problem(404, "There is nothing at this path.").details, "bad-request")
    return
  }
  const detail = `This path does not answer ${method}, only ${allow}.`
  sendProblem(exchange, problem(405, detail).details, "bad-request", { allow })
}

function corsOptions({ corsOrigins }: ResolvedSettings) {
  return {
    origin: corsOrigins.includes("*") ? "*" : [...corsOrigins],
    methods: corsMethods,
    exposedHeaders,
    maxAge: preflightAgeS,
    // Every OPTIONS is taken for a preflight: nothing else answers it.
    strictPreflight: false,
  }
}

function tuneServer(app: FastifyInstance, peers: Peers, pipelines: Pipelines): void {
  keepListenersYoung()
  const server = app.server as Server
  server.on("connection", pipelines.connected)
  server.on("connection", peers.connected)
  // Fastify's own listener would begin whatever has been read.
  server.removeAllListeners("request")
  // Node would say 100 Continue by itself, before anything has decided that the body is wanted.
  for (const event of ["request", "checkContinue", "checkExpectation"]) {
    server.on(event, pipelines.arrived)
  }
}
