/**
 * What a configuration file says, checked: its shape and its names here, its values where they are
 * resolved. A key that nobody reads is an error, since whoever wrote it meant something.
 */
import { type ImageLayer, imageTable } from "../image/options.ts"
import type { InitConfig } from "../manifests/init.ts"
import type { DeploymentLists } from "../manifests/lists.ts"
import { type DeploymentLayer, deploymentTable } from "../manifests/options.ts"
import { OptionError } from "../option.ts"

/** What one part of the file says of image and deployment. */
export interface Stage {
  readonly image: ImageLayer
  readonly deployment: DeploymentLayer
}

/**
 * The parts that count for an environment, the stronger last.
 * @param config whatever the file exports as `config`.
 * @param file how the file is called, for messages.
 * @throws {OptionError} on anything that is not as it should be.
 */
export function stagesOf(
  config: unknown,
  environment: string | undefined,
  file: string,
): readonly Stage[] {
  const top = record(config, "config", file)
  known(top, ["image", "deployment", "environments"], "config", file)
  const environments = record(top.environments ?? {}, "environments", file)
  // All of them, whichever is asked for: a mistake in production should not wait for production.
  const stages = new Map(
    Object.keys(environments).map((name) => {
      const at = `environments.${name}`
      const part = record(environments[name], at, file)
      known(part, ["image", "deployment"], at, file)
      return [name, stage(part, `${at}.`, file)]
    }),
  )
  const common = stage(top, "", file)
  if (environment === undefined) return [common]
  const chosen = stages.get(environment)
  if (chosen !== undefined) return [common, chosen]
  const names = [...stages.keys()]
  throw new OptionError(
    names.length === 0
      ? `${file} has no environments, so there is no ${environment}.`
      : `${file} has no environment ${environment}; it has ${names.join(", ")}.`,
  )
}

function stage(part: Readonly<Record<string, unknown>>, before: string, file: string): Stage {
  const image = record(part.image ?? {}, `${before}image`, file)
  known(image, Object.keys(imageTable), `${before}image`, file)
  const at = `${before}deployment`
  const deployment = record(part.deployment ?? {}, at, file)
  known(deployment, [...Object.keys(deploymentTable), ...Object.keys(lists)], at, file)
  checkParts(lists, deployment, at, file)
  return {
    image: { values: image, spelt: (name) => `${file}: ${before}image.${name}` },
    deployment: {
      values: deployment,
      ...(deployment as DeploymentLists),
      spelt: (name) => `${file}: ${at}.${name}`,
    },
  }
}

/** @throws {OptionError} when a value does not look as it must. */
type Check = (value: unknown, at: string, file: string) => void

/** What is not in the table, with what it must look like. */
const lists: Readonly<Record<keyof DeploymentLists, Check>> = {
  env(value, at, file) {
    for (const [name, each] of Object.entries(record(value, at, file))) {
      if (typeof each === "string" || isReference(each)) continue
      throw new OptionError(
        `${file}: ${at}.${name} is ${shapeOf(each)}; it must be a text, { secret: "NAME", key: "KEY" } or { configmap: "NAME", key: "KEY" }.`,
      )
    }
  },
  envFrom: textList('a list like ["secret/database"]'),
  labels: texts,
  serviceAnnotations: texts,
  volumes: texts,
  init(value, at, file) {
    const init = record(value, at, file)
    known(init, Object.keys(initParts), at, file)
    checkParts(initParts, init, at, file)
  },
  resources: record,
  nodeSelector: texts,
  tolerations: textList('a list like ["nvidia.com/gpu"]'),
}

const words = textList('a list of words like ["node", "fetch.js"]')

const initParts: Readonly<Record<keyof InitConfig, Check>> = {
  image: text,
  command: words,
  args: words,
  env: lists.env,
  mounts: words,
}

/** Checks those parts that are there. */
function checkParts(
  checks: Readonly<Record<string, Check>>,
  given: Readonly<Record<string, unknown>>,
  at: string,
  file: string,
): void {
  for (const [name, check] of Object.entries(checks)) {
    if (given[name] !== undefined) check(given[name], `${at}.${name}`, file)
  }
}

function textList(must: string): Check {
  return (value, at, file) => {
    const isTexts = Array.isArray(value) && value.every((each) => typeof each === "string")
    if (!isTexts) throw wrong(at, value, must, file)
  }
}

function text(value: unknown, at: string, file: string): void {
  if (typeof value !== "string") throw wrong(at, value, "a text", file)
}

function texts(value: unknown, at: string, file: string): void {
  for (const [name, each] of Object.entries(record(value, at, file))) {
    text(each, `${at}.${name}`, file)
  }
}

/** Without the value itself, which may be a password. */
function shapeOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return typeof value === "object" ? `{ ${Object.keys(value).join(", ")} }` : `a ${typeof value}`
}

function isReference(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  const names = Object.keys(value).toSorted().join()
  const isKnown = names === "key,secret" || names === "configmap,key"
  return isKnown && Object.values(value).every((each) => typeof each === "string" && each !== "")
}

function record(value: unknown, at: string, file: string): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value)
  if (!isRecord) throw wrong(at, value, "an object", file)
  return value as Readonly<Record<string, unknown>>
}

function wrong(at: string, value: unknown, must: string, file: string): OptionError {
  const shown = JSON.stringify(value) ?? String(value)
  return new OptionError(`${file}: ${at} is ${shown}; it must be ${must}.`)
}

function known(
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
  at: string,
  file: string,
): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown === undefined) return
  const close = names.filter((name) => isClose(unknown, name))
  const hint =
    close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `There are ${names.join(", ")}.`
  throw new OptionError(`${file}: ${at} has no option ${JSON.stringify(unknown)}. ${hint}`)
}

/** Equal but for case, or for one or two letters that are wrong, missing or too many. */
function isClose(typed: string, name: string): boolean {
  const [a, b] = [typed.toLowerCase(), name.toLowerCase()]
  if (b.startsWith(a) || a.startsWith(b)) return true
  return distance(a, b) <= Math.min(2, Math.floor(b.length / 3))
}

/** Levenshtein's, a row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
