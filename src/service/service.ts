/** A service: operations and what they are called together. It is the default export of a module. */
import type { Operation } from "./operation.ts"
import { shapeOf } from "./path.ts"

const brand: unique symbol = Symbol.for("capstan.service") as never

export interface ServiceConfig {
  readonly title: string
  /** Of the API, not of Capstan: `1.0.0`. */
  readonly version: string
  /** Markdown, shown on top of the documentation. */
  readonly description?: string
  /** By name. The name is the operation's id in documentation, logs and metrics. */
  readonly operations: Readonly<Record<string, Operation>>
}

export interface Service {
  readonly [brand]: true
  readonly title: string
  readonly version: string
  readonly description: string | undefined
  readonly operations: ReadonlyMap<string, Operation>
}

/**
 * Defines a service.
 * @throws {TypeError} naming what is wrong, when two operations share a method and path, a name is
 * not an identifier, or there is no operation at all.
 */
export function service(config: ServiceConfig): Service {
  const operations = new Map(Object.entries(config.operations))
  if (operations.size === 0)
    throw new TypeError("service(): `operations` is empty; name at least one.")
  const routes = new Map<string, string>()
  const paths = new Map<string, string>()
  for (const [name, { method, path, segments }] of operations) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) {
      throw new TypeError(
        `service(): operation name "${name}" must be a letter or _, then up to 63 letters, digits or _.`,
      )
    }
    const shape = shapeOf(segments)
    const same = paths.get(shape) ?? path
    if (same !== path) {
      throw new TypeError(
        `service(): ${same} and ${path} are the same path; give its parameters the same names, and write its escapes alike.`,
      )
    }
    paths.set(shape, path)
    const route = `${method} ${shape}`
    const other = routes.get(route)
    if (other !== undefined) {
      throw new TypeError(
        `service(): operations "${other}" and "${name}" both answer ${method} ${path}.`,
      )
    }
    routes.set(route, name)
  }
  return {
    [brand]: true,
    title: config.title,
    version: config.version,
    description: config.description,
    operations,
  }
}

/** Whether a module's default export is a service, of this copy of Capstan or another. */
export function isService(value: unknown): value is Service {
  return typeof value === "object" && value !== null && brand in value
}
