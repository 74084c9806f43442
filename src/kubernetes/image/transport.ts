/**
 * How an image gets to where it runs: into a registry, or into a cluster on this machine that has a
 * way of its own. minikube and kind take an archive, which every builder can write, whoever's store
 * the image is in.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { LocalCluster } from "../cluster/api.ts"
import type { Built } from "./builder.ts"
import { fullName } from "./dockerfile.ts"
import { must, ProgramError, type Workplace } from "./run.ts"

/** Pushes the image; resolves to its name by digest, `registry/name@sha256:…`. */
export async function pushImage(built: Built, place: Workplace): Promise<string> {
  const { builder, tag, parts } = built
  const { signal } = place
  const name = nameOnly(tag)
  if (builder === "docker") {
    const pushed: string[] = []
    for (const part of parts) pushed.push(await pushByDocker(part.tag, signal))
    if (pushed.length === 1) return pushed[0] ?? tag
    await must("docker", ["buildx", "imagetools", "create", "--tag", tag, ...pushed], { signal })
    const shown = ["buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", tag]
    const said = await must("docker", shown, { signal })
    const { digest } = JSON.parse(said) as { readonly digest: string }
    return `${name}@${digest}`
  }
  const digestFile = join(place.folder, "digest")
  // docker speaks plain http with a registry on this machine without being asked; so do we.
  const plain = /^(localhost|127\.0\.0\.1)[:/]/.test(tag) ? ["--tls-verify=false"] : []
  const how = [...plain, "--digestfile", digestFile]
  const push =
    parts.length > 1
      ? ["manifest", "push", "--all", ...how, tag, `docker://${tag}`]
      : ["push", ...how, tag]
  await must(builder, push, { signal })
  return `${name}@${readFileSync(digestFile, "utf8").trim()}`
}

async function pushByDocker(tag: string, signal: AbortSignal): Promise<string> {
  await must("docker", ["push", "--quiet", tag], { signal })
  const inspect = [
    "image",
    "inspect",
    "--format",
    "{{range .RepoDigests}}{{println .}}{{end}}",
    tag,
  ]
  const lines = (await must("docker", inspect, { signal })).split("\n")
  // docker tells `me/a@…` of what was pushed as `docker.io/me/a`.
  const name = nameOnly(tag)
  const digest = lines
    .map((line) => line.trim().split("@"))
    .find(([of = ""]) => fullName(of) === fullName(name))?.[1]
  if (digest !== undefined) return `${name}@${digest}`
  throw new ProgramError("docker push", `docker tells no digest of ${tag}.`)
}

/**
 * The name that an image has in a cluster which it was loaded into. With some of its id, so that
 * another content is another name: under the same one, nothing would be rolled out.
 */
export function loadedName({ tag, parts }: Built): string {
  const id = parts[0]?.id.replace(/^sha256:/, "").slice(0, 12) ?? ""
  return `${nameOnly(fullName(tag))}:${id}`
}

/** Loads the image, of one platform, into a cluster on this machine; resolves to its name there. */
export async function loadImage(
  built: Built,
  cluster: LocalCluster,
  place: Workplace,
): Promise<string> {
  const name = loadedName(built)
  const archive = join(place.folder, "image.tar")
  await save(built, name, archive, place.signal)
  const args =
    cluster.kind === "minikube"
      ? ["image", "load", "--profile", cluster.profile, archive]
      : ["load", "image-archive", "--name", cluster.cluster, archive]
  await must(cluster.kind, args, { signal: place.signal })
  return name
}

async function save(
  { builder, parts }: Built,
  name: string,
  archive: string,
  signal: AbortSignal,
): Promise<void> {
  const tag = parts[0]?.tag ?? ""
  if (builder !== "docker") {
    await must(builder, ["push", tag, `docker-archive:${archive}:${name}`], { signal })
    return
  }
  await must("docker", ["tag", tag, name], { signal })
  await must("docker", ["save", "--output", archive, name], { signal })
}

/** Without its tag. */
function nameOnly(tag: string): string {
  return tag.replace(/:[^:/]*$/, "")
}
