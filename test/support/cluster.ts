/**
 * A namespace of its own in the cluster of the kubeconfig's current context, under the admission of
 * Pod Security `restricted`, and gone when the test is.
 */
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { Api, ApiError } from "../../src/kubernetes/cluster/api.ts"
import type { ApiGroups, ApiResources, KubernetesObject } from "../../src/kubernetes/kinds.ts"
import { looksLikeProduction } from "./production.ts"

/** The registry to push to, as both this machine and the cluster's nodes call it. */
export function testRegistry(): string {
  const registry = process.env.TEST_REGISTRY
  assert.ok(registry, "TEST_REGISTRY names a registry to push to, for example localhost:5000")
  return registry
}

export class TestNamespace implements AsyncDisposable {
  readonly api: Api
  readonly name: string

  private constructor(api: Api, name: string) {
    this.api = api
    this.name = name
  }

  static async make(): Promise<TestNamespace> {
    const api = new Api()
    const { context, server } = api
    assert.ok(
      !looksLikeProduction(context, server) || process.env.TEST_CONTEXT === context,
      `The context ${context} (${server}) looks like production. If it is not, say so: TEST_CONTEXT=${context}`,
    )
    const name = `capstan-test-${randomBytes(4).toString("hex")}`
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" }
    await api.json("/api/v1/namespaces", {
      method: "POST",
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
    })
    return new TestNamespace(api, name)
  }

  /**
   * What there is with our label, `Kind/name`: asked of every kind that the API has, deletable or
   * not, with code of its own, since `capstan down` is what is being checked.
   */
  async withOurLabel(): Promise<string[]> {
    const { groups } = await this.api.json<ApiGroups>("/apis")
    const roots = [
      "/api/v1",
      ...groups.flatMap(({ versions }) =>
        versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
      ),
    ]
    const found = await Promise.all(roots.map((root) => this.#searched(root)))
    return [...new Set(found.flat())].toSorted()
  }

  async #searched(root: string): Promise<string[]> {
    const { resources } = await this.api.json<ApiResources>(root)
    const kinds = resources.filter(({ verbs, namespaced }) => namespaced && verbs.includes("list"))
    const lists = kinds.map(async ({ name, kind }) => {
      const path = `${root}/namespaces/${this.name}/${name}`
      const query = { labelSelector: "app.kubernetes.io/managed-by=capstan" }
      const items = await this.api.list<KubernetesObject>(path, query)
      return items.map(({ metadata }) => `${kind}/${metadata?.name}`)
    })
    return (await Promise.all(lists)).flat()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.api.text(`/api/v1/namespaces/${this.name}`, { method: "DELETE" })
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    }
  }
}
