/**
 * How fast a service may grow and shrink: `spec.behavior` of the autoscaler in the manifests, and
 * what `capstan up` decides by.
 *
 * Up by up to four times or four replicas each 15 s, without delay; down after five minutes, by a
 * quarter or one replica a minute. Growing late costs requests, shrinking late costs cents. It is
 * spelt out because leaving it out means something else than the documented defaults.
 */
export const scalingBehavior: ScalingBehavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Percent", value: 300, periodSeconds: 15 },
      { type: "Pods", value: 4, periodSeconds: 15 },
    ],
  },
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: "Max",
    policies: [
      { type: "Percent", value: 25, periodSeconds: 60 },
      { type: "Pods", value: 1, periodSeconds: 60 },
    ],
  },
}

interface ScalingBehavior {
  readonly scaleUp: ScalingRules
  readonly scaleDown: ScalingRules
}

interface ScalingRules {
  readonly stabilizationWindowSeconds: number
  readonly selectPolicy: "Max"
  readonly policies: readonly {
    readonly type: "Pods" | "Percent"
    readonly value: number
    readonly periodSeconds: number
  }[]
}
