/**
 * Building and pushing, by whichever of docker, podman and buildah is there and works. None of them
 * is preferred for what it can do, since the Dockerfile asks for nothing; docker comes first because
 * who has it expects the image in it.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Platform } from "./native.ts"

export const builders = ["docker", "podman", "buildah"] as const
export type Builder = (typeof builders)[number]

/** A builder that ended with an error. `output` is all that it said. */
export class BuilderError extends Error {
  override readonly name = "BuilderError"
  readonly output: string

  constructor(command: string, output: string) {
    super(`${command} failed.`)
    this.output = output
  }
}

/** The first builder that works, or undefined. */
export async function findBuilder(
  among: readonly Builder[] = builders,
): Promise<Builder | undefined> {
  for (const builder of among) {
    // docker's client may be there without its daemon; `version` asks both.
    const { code } = await run(builder, ["version"])
    if (code === 0) return builder
  }
  return undefined
}

export interface BuildOptions {
  readonly builder: Builder
  readonly folder: string
  readonly tag: string
  readonly platform: Platform
}

/** Builds the folder's Dockerfile; resolves to the image's id, `sha256:…`. */
export async function buildImage(options: BuildOptions): Promise<string> {
  const { builder, folder, tag, platform } = options
  return await withFile(async (idFile) => {
    const common = ["--tag", tag, "--platform", platform, "--iidfile", idFile]
    // A fixed time, so that the same input gives the same image. So does OCI's format alone: docker's
    // holds the names of the containers that built it. The price is HEALTHCHECK, which OCI lacks.
    const steady = ["--timestamp", "0", "--format", "oci"]
    const args = {
      docker: ["build", ...common, folder],
      podman: ["build", ...steady, ...common, folder],
      buildah: ["build", ...steady, ...common, folder],
    }[builder]
    await must(builder, args, { SOURCE_DATE_EPOCH: "0" })
    return readFileSync(idFile, "utf8").trim()
  })
}

/** Pushes the image; resolves to its name by digest, `registry/name@sha256:…`. */
export async function pushImage(builder: Builder, tag: string): Promise<string> {
  const name = tag.replace(/:[^:/]*$/, "")
  if (builder === "docker") {
    await must("docker", ["push", "--quiet", tag])
    const asked = [
      "image",
      "inspect",
      "--format",
      "{{range .RepoDigests}}{{println .}}{{end}}",
      tag,
    ]
    const lines = (await must("docker", asked)).split("\n")
    return lines.find((line) => line.startsWith(`${name}@`)) ?? tag
  }
  return await withFile(async (digestFile) => {
    // docker speaks plain http with a registry on this machine without being asked; so do we.
    const plain = /^(localhost|127\.0\.0\.1)[:/]/.test(tag) ? ["--tls-verify=false"] : []
    await must(builder, ["push", ...plain, "--digestfile", digestFile, tag])
    return `${name}@${readFileSync(digestFile, "utf8").trim()}`
  })
}

async function withFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "capstan-image-"))
  try {
    return await use(join(folder, "file"))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function must(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, output } = await run(command, args, env)
  if (code !== 0) throw new BuilderError(`${command} ${args[0]}`, output)
  return stdout
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  /** Both streams, in the order in which they came. */
  readonly output: string
}

/** The end of what a builder said is where the reason stands. */
const outputCharsMax = 100_000

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>()
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  })
  let stdout = ""
  let output = ""
  child.stdout.on("data", (chunk) => {
    stdout = `${stdout}${chunk}`.slice(-outputCharsMax)
    output = `${output}${chunk}`.slice(-outputCharsMax)
  })
  child.stderr.on("data", (chunk) => {
    output = `${output}${chunk}`.slice(-outputCharsMax)
  })
  // Not installed.
  child.on("error", ({ message }) => resolve({ code: null, stdout, output: message }))
  child.on("close", (code) => resolve({ code, stdout, output }))
  return await promise
}
