/** Environment variables as they are given, and what may be said of them. */
import { isObjectName } from "../name.ts"
import { OptionError } from "../option.ts"

/** The value of a variable: itself, or where it is kept. Secrets are named, never copied. */
export type EnvironmentValue =
  | string
  | { readonly secret: string; readonly key: string }
  | { readonly configmap: string; readonly key: string }

/** Those whose values are said here, and not kept elsewhere. */
export function textsIn(
  env: Readonly<Record<string, EnvironmentValue>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value]] : [],
    ),
  )
}

/** A secret or config map, each of whose keys becomes a variable. */
export interface VariableSource {
  readonly kind: "secret" | "configmap"
  readonly name: string
}

/** Ports are in the manifests in six places; changing them here would contradict the others. */
const fixedVariables = [
  "CAPSTAN_HOST",
  "CAPSTAN_PORT",
  "CAPSTAN_MANAGEMENT_HOST",
  "CAPSTAN_MANAGEMENT_PORT",
]

/** The pod's own grace is reckoned from it. */
export const drainGraceVariable = "CAPSTAN_DRAIN_GRACE_MS"

/** @throws {OptionError} on what no replica could start with. */
export function checkedVariable(
  name: string,
  value: EnvironmentValue,
  where: string,
): EnvironmentValue {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
    throw new OptionError(`${where}: an environment variable can't be called that.`)
  }
  if (fixedVariables.includes(name)) {
    throw new OptionError(
      `${where}: a deployment's ports are 8080 and 9090, inside its own address. The Service decides what others see.`,
    )
  }
  if (typeof value !== "string")
    checkReference("secret" in value ? value.secret : value.configmap, where)
  if (name === drainGraceVariable && typeof value !== "string") {
    throw new OptionError(
      `${where}: it has to be said here, not by reference, since the pod's own grace is reckoned from it.`,
    )
  }
  return value
}

/** `secret/NAME` or `configmap/NAME`, read. */
export function variableSource(text: string, where: string): VariableSource {
  const [, kind, name] = /^(secret|configmap)\/(.+)$/.exec(text) ?? []
  if (name === undefined) {
    throw new OptionError(
      `${where} is ${JSON.stringify(text)}; it must be secret/NAME or configmap/NAME.`,
    )
  }
  checkReference(name, where)
  return { kind: kind as "secret" | "configmap", name }
}

/** @throws {OptionError} when no secret and no config map can be called that. */
function checkReference(name: string, where: string): void {
  if (isObjectName(name)) return
  throw new OptionError(
    `${where}: no secret or config map can be called ${JSON.stringify(name)}; they are called like database or database.shop.`,
  )
}
