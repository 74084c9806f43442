/**
 * The Dockerfile: as short as it can be, so that a person can read it, keep it and change it.
 *
 * It runs nothing while it is built, it only copies. So any builder can make it for any platform
 * without emulation, without root, without a network, and with the same result.
 */

export interface DockerfileFacts {
  /** What it starts from; `node:26-slim`, or pinned: `node:26-slim@sha256:…`. */
  readonly base: string
  readonly title: string
  readonly version: string
  readonly description: string | undefined
}

/** Node's user in Node's own images, by number: Kubernetes can't tell of a name that it is not root. */
export const userId = 1000

/** Where the management port is: the setting `managementPort` and its default. */
const livez =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template in the program that it becomes
  "fetch(`http://127.0.0.1:${process.env.CAPSTAN_MANAGEMENT_PORT ?? 9090}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"

export function dockerfile({ base, title, version, description }: DockerfileFacts): string {
  const labels = {
    title,
    version,
    ...(description === undefined ? {} : { description }),
    "base.name": fullName(base),
  }
  return `FROM ${fullName(base)}

${Object.entries(labels)
  .map(([name, value]) => `LABEL org.opencontainers.image.${name}=${quoted(value)}`)
  .join("\n")}

ENV NODE_ENV=production
# Who probes it and reads its metrics is not in the container.
ENV CAPSTAN_MANAGEMENT_HOST=all
WORKDIR /app
# The bundle, owned by root: the process can read it and not change it.
COPY app/ ./

# By number, so that Kubernetes sees that it is not root.
USER ${userId}:${userId}
EXPOSE 8080 9090
# For docker, which has no probes; Kubernetes has its own. There is no curl in the image.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ${JSON.stringify(["node", "--eval", livez])}
# Neither the base's entry point nor a shell in between: signals reach Node, which drains and ends.
ENTRYPOINT []
CMD ["node", "server.js"]
`
}

/** Keeps everything out of the build but the bundle. */
export const dockerignore = "*\n!app\n"

/**
 * With registry and all. What a short name means is a matter of configuration to podman and buildah,
 * and an error where there is none.
 */
export function fullName(image: string): string {
  const [first = "", ...rest] = image.split("/")
  const namesRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost")
  if (namesRegistry) return image
  return rest.length === 0 ? `docker.io/library/${image}` : `docker.io/${image}`
}

/** A label's value: one line, and nothing that the builder would replace. */
function quoted(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return `"${line.replaceAll(/[\\"$]/g, (char) => `\\${char}`)}"`
}
