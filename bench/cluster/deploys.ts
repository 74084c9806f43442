/**
 * How long it takes from a module to a URL that answers, everything included: the image is built,
 * pushed and pulled, the replicas start, the first request is answered. And the same once more, when
 * a line of the service has changed.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Api } from "../../src/kubernetes/cluster/api.ts"
import type { Node } from "../../src/kubernetes/kinds.ts"
import { testRegistry } from "../../test/support/cluster.ts"
import { snippetFolder } from "../../test/support/snippets.ts"
import type { ClusterBench } from "./bench.ts"
import { builderFlags, Place, service } from "./place.ts"

const answerMsMax = 60_000

export const deploying: ClusterBench = {
  name: "deploy",
  question: "How long from a module to a URL that answers, at first and after a change?",
  async run() {
    await using place = await Place.make()
    const hadImages = await hasImages(place.api)
    using folder = snippetFolder()
    cpSync(dirname(service.module), folder.path, { recursive: true })
    const module = join(folder.path, "service.ts")
    const deploy = async (message: string): Promise<number> => {
      const startedMs = performance.now()
      const tag = ["--tag", place.tag(service.name), ...builderFlags()]
      const url = await place.capstan("deploy", module, "--expose", "NodePort", ...tag)
      await answered(url, message)
      return (performance.now() - startedMs) / 1000
    }
    const cold = await deploy("Hello, world!")
    const source = readFileSync(module, "utf8")
    const changed = source.replace("Hello, world!", "Hello again!")
    if (changed === source) throw new Error(`${service.module} does not say "Hello, world!".`)
    writeFileSync(module, changed)
    const again = await deploy("Hello again!")
    return {
      columns: [{ key: "seconds", title: "a URL that answers after, s", digits: 1 }],
      rows: new Map([
        ["first deploy", [{ seconds: cold }]],
        ["second deploy, one line changed", [{ seconds: again }]],
      ]),
      requirements: [
        { what: "first deploy, s", is: cold, must: "at most", bound: 60 },
        { what: "second deploy, s", is: again, must: "at most", bound: 25 },
      ],
      notes: [
        "`capstan deploy service.ts --tag …` with its defaults: from the start of the command to an answer of the new version.",
        hadImages
          ? "The node had run an image of this registry before, so it may have had the base's layers; the bundle it had not."
          : "The node had no image of this registry: it pulled the base's layers as well.",
      ],
    }
  },
}

async function answered(url: string, message: string): Promise<void> {
  const endMs = performance.now() + answerMsMax
  for (;;) {
    const answer = await fetch(`${url}/api/v1/hello`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: '{"n": 600851475143}',
    }).catch(() => undefined)
    const body = answer?.ok ? ((await answer.json()) as { message1: string }) : undefined
    if (body?.message1 === message) return
    if (performance.now() > endMs) throw new Error(`${url} does not answer ${message}.`)
    await sleep(50)
  }
}

/** Whether a node has anything of the registry that is pushed to. */
async function hasImages(api: Api): Promise<boolean> {
  const nodes = await api.list<Node>("/api/v1/nodes")
  const names = nodes.flatMap(({ status }) =>
    (status?.images ?? []).flatMap((it) => it.names ?? []),
  )
  return names.some((name) => name.startsWith(`${testRegistry()}/`))
}
