/** Loads a service from its module. */
import { isService, type Service } from "./service.ts"

/** A module that can't be used. The message says which and what to do. */
export class ModuleError extends Error {
  override readonly name = "ModuleError"
}

/**
 * Imports a module and takes the service that it exports as default.
 * @throws {ModuleError} when the module can't be loaded or exports no service.
 */
export async function loadService(url: URL): Promise<Service> {
  let exported: unknown
  try {
    const module: { readonly default?: unknown } = await import(url.href)
    exported = serviceOf(module.default)
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    throw new ModuleError(`${moduleName(url)} could not be loaded: ${why}`, { cause })
  }
  if (!isService(exported)) {
    throw new ModuleError(
      `${moduleName(url)} does not export a service. End it with: export default service({ … })`,
    )
  }
  return exported
}

/**
 * TypeScript's CommonJS output has its default export as `exports.default`, all of which is the
 * module's.
 */
function serviceOf(exported: unknown): unknown {
  const { __esModule, default: inner } = (exported ?? {}) as {
    readonly __esModule?: unknown
    readonly default?: unknown
  }
  return __esModule === true ? inner : exported
}

function moduleName(url: URL): string {
  return url.protocol === "file:" ? decodeURIComponent(url.pathname) : url.href
}
