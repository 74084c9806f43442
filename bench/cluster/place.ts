/**
 * Where a bench deploys: a namespace of its own in the cluster of the kubeconfig's current context,
 * and the command line as people call it. It is there like that for the tests, and is taken from
 * them; what a bench adds is that it waits until all of it is gone, since what still ends takes its
 * CPU from what is measured next.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Api } from "../../src/kubernetes/cluster/api.ts"
import { runCli } from "../../test/support/cli.ts"
import { TestNamespace, testRegistry } from "../../test/support/cluster.ts"
import { root } from "../harness.ts"

/** What is deployed: the README's example. */
export const service = { module: `${root}examples/prime-factor/service.ts`, name: "prime-factors" }

/** What both stacks get when they get it alike: the tutorial's figures. */
export const size = {
  cpu: "150m",
  memory: "192Mi",
  minReplicas: 1,
  maxReplicas: 10,
  targetCpu: 50,
} as const

/** An image of 200 MB may have to be pushed first. */
const commandMsMax = 300_000
const goneMsMax = 120_000

export class Place implements AsyncDisposable {
  static readonly #open = new Set<Place>()
  readonly #space: TestNamespace

  private constructor(space: TestNamespace) {
    this.#space = space
    Place.#open.add(this)
  }

  /** Refuses a cluster that looks like production, as the tests do. */
  static async make(): Promise<Place> {
    return new Place(await TestNamespace.make())
  }

  /** For the end of a bench that was interrupted: takes away what was made, and does not wait. */
  static async abandon(): Promise<void> {
    await Promise.all([...Place.#open].map((place) => place.#space[Symbol.asyncDispose]()))
  }

  get api(): Api {
    return this.#space.api
  }

  get namespace(): string {
    return this.#space.name
  }

  /** A name in the registry that nobody else has. */
  tag(name: string): string {
    return `${testRegistry()}/${this.namespace}/${name}:1`
  }

  /**
   * Runs a command and resolves to what it printed.
   * @throws {Error} with all that it said, when it fails.
   */
  async capstan(command: string, ...args: readonly string[]): Promise<string> {
    const where = command === "image" ? [] : ["--namespace", this.namespace]
    const ran = await runCli([command, ...args, ...where], {
      node: ["--conditions=capstan-source"],
      env: { KUBECONFIG: process.env.KUBECONFIG },
      timeoutMs: commandMsMax,
    })
    if (ran.code === 0) return ran.stdout.trim()
    throw new Error(`capstan ${command} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
  }

  /** Builds and pushes the example; resolves to its name by digest. */
  async image(): Promise<string> {
    return await this.capstan(
      "image",
      ...[service.module, "--tag", this.tag(service.name), "--push", ...builderFlags()],
    )
  }

  /** Deploys the example on a port of the node; resolves to its URL. */
  async deploy(image: string, ...flags: readonly string[]): Promise<string> {
    const how = ["--image", image, "--expose", "NodePort", "--memory", size.memory]
    return await this.capstan("deploy", service.module, ...how, "--cpu", size.cpu, ...flags)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { api, namespace } = this
    await this.#space[Symbol.asyncDispose]()
    const endMs = performance.now() + goneMsMax
    while ((await api.find(`/api/v1/namespaces/${namespace}`)) !== undefined) {
      if (performance.now() > endMs) {
        throw new Error(`The namespace ${namespace} is still there after ${goneMsMax / 1000} s.`)
      }
      await sleep(500)
    }
    Place.#open.delete(this)
  }
}

/** As for the tests: where the first builder that works is not the one. */
export function builderFlags(): readonly string[] {
  const builder = process.env.TEST_BUILDER
  return builder === undefined ? [] : ["--builder", builder]
}
