/** Kinds that a cluster has only when somebody has installed them, as far as Capstan uses them. */
import type { Condition, KubernetesObject, LabelSelector } from "./kinds.ts"

/** Of the Gateway API, `gateway.networking.k8s.io/v1`. */
export interface HttpRoute extends KubernetesObject {
  readonly spec?: {
    readonly parentRefs: readonly { readonly name: string; readonly namespace?: string }[]
    readonly hostnames?: readonly string[]
    readonly rules: readonly {
      readonly backendRefs: readonly { readonly name: string; readonly port: number }[]
    }[]
  }
  readonly status?: {
    readonly parents?: readonly { readonly conditions?: readonly Condition[] }[]
  }
}

export interface Gateway extends KubernetesObject {
  readonly spec?: {
    readonly listeners?: readonly {
      readonly port: number
      readonly protocol: string
      readonly hostname?: string
    }[]
  }
  readonly status?: { readonly addresses?: readonly { readonly value: string }[] }
}

/** Of the Prometheus Operator, `monitoring.coreos.com/v1`. */
export interface ServiceMonitor extends KubernetesObject {
  readonly spec: {
    readonly selector: LabelSelector
    readonly endpoints: readonly {
      readonly port: string
      readonly path: string
      readonly interval: string
    }[]
  }
}
