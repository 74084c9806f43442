/** Where a service is to be found, said once it is ready: to a person as a block, to a log as a line. */
import { styleText } from "node:util"
import type { Service } from "../service/service.ts"
import type { ResolvedSettings } from "../service/settings.ts"

/** Plain data: `capstan dev` passes it between processes. */
export interface Whereabouts {
  /** `Prime factors 1.0.0`. */
  readonly name: string
  readonly operations: readonly {
    readonly method: string
    readonly path: string
    readonly summary: string
  }[]
  /** Whether documentation is served. */
  readonly docs: boolean
}

export interface Addresses {
  readonly url: string
  readonly managementUrl: string
}

export function whereabouts(service: Service, settings: ResolvedSettings): Whereabouts {
  return {
    name: `${service.title} ${service.version}`,
    operations: Array.from(service.operations.values(), ({ method, path, summary }) => ({
      method,
      path,
      summary: summary ?? "",
    })),
    docs: settings.docs === "on",
  }
}

const operationsMax = 12

/** The block for a terminal. `advice` is its last line. */
export function block(at: Addresses, where: Whereabouts, advice: string): string {
  const { operations } = where
  const shown = operations.slice(0, operationsMax)
  const methodWidth = Math.max(...shown.map(({ method }) => method.length))
  const pathWidth = Math.max(...shown.map(({ path }) => path.length))
  const lines = [
    styleText("bold", where.name),
    "",
    row("API", at.url),
    ...shown.map(({ method, path, summary }) => {
      const route = `${method.padEnd(methodWidth)} ${path.padEnd(pathWidth)}`
      return row("", `${route}  ${styleText("dim", summary)}`.trimEnd())
    }),
    ...(operations.length > shown.length
      ? [row("", `and ${operations.length - shown.length} more`)]
      : []),
    ...(where.docs
      ? [row("Docs", `${at.url}/docs`), row("OpenAPI", `${at.url}/openapi.json`)]
      : []),
    row("Metrics", `${at.managementUrl}/metrics`),
    row("Health", `${at.managementUrl}/readyz`),
    "",
    styleText("dim", advice),
  ]
  return `\n${lines.map((line) => (line === "" ? "" : `  ${line}`)).join("\n")}\n\n`
}

/** The line for a log. */
export function line(at: Addresses, where: Whereabouts): string {
  const docs = where.docs ? `, documentation at ${at.url}/docs` : ""
  return `${where.name} is served at ${at.url}${docs}, metrics at ${at.managementUrl}/metrics`
}

function row(label: string, text: string): string {
  return `${styleText("cyan", label.padEnd(9))}${text}`
}
