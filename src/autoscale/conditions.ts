/**
 * The three conditions of an autoscaler's status, with upstream's statuses and reasons. A sync says
 * those that it has something to say about; the others stay as they were.
 *
 * Upstream: setCondition in horizontal.go.
 */

export type ConditionType = "AbleToScale" | "ScalingActive" | "ScalingLimited"

export interface Condition {
  readonly type: ConditionType
  readonly status: "True" | "False"
  readonly reason: string
}

/** One of a type at most, in the order in which they were first said. */
export type Conditions = readonly Condition[]

export function condition(type: ConditionType, isTrue: boolean, reason: string): Condition {
  return { type, status: isTrue ? "True" : "False", reason }
}

/** Of what was said twice, the later holds. */
export function withConditions(conditions: Conditions, said: Conditions): Conditions {
  const result = [...conditions]
  for (const condition of said) {
    const place = result.findIndex(({ type }) => type === condition.type)
    if (place < 0) result.push(condition)
    else result[place] = condition
  }
  return result
}
