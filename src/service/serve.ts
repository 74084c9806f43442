/**
 * The door to the server for code (tests, mostly). The server itself is loaded when it is called
 * for: every worker imports `capstan` through the service's module, and has no use for HTTP.
 */
import type { ServeOptions, Server } from "./server.ts"

/**
 * Serves the service that a module exports as default: `await using server = await serve(url)`.
 *
 * Resolves when it is ready; also when some operations can't be set up, as long as others can: those
 * are refused, `/readyz` and the log say why, and they are tried again.
 *
 * @param module a path, or a `file:` URL.
 * @throws {ModuleError} when the module can't be loaded or exports no service.
 * @throws {SettingError} when a setting is not what it may be.
 * @throws {Error} when no worker could start, with the reason; `onStartFailure: "retry"` waits for one.
 * @throws {Error} with code `EADDRINUSE` and the like, when a port can't be had.
 */
export async function serve(module: string | URL, options: ServeOptions = {}): Promise<Server> {
  const server = await import("./server.ts")
  return server.serve(module, options)
}
