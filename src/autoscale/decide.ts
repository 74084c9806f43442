/**
 * What a HorizontalPodAutoscaler decides at a sync, the way that Kubernetes' own controller does,
 * case by case: `npm run test:oracle` compares the two. It knows no clock, no cluster and no network:
 * who calls it brings what there is to see and what was remembered, carries the decision out, and
 * keeps the new memory. So it serves a real loop, which calls it every 15 s, as well as a simulation,
 * which calls it a million times.
 *
 * A sync has five steps, here in the order in which they run, each in a file of its own:
 *
 * 1. `checkBounds`: out of bounds or switched off, there is nothing to decide.
 * 2. `propose`: every metric says how many replicas it takes; the most counts.
 * 3. `stabilise`: recent proposals hold this one back.
 * 4. `limit`: policies and bounds say how far one sync may go.
 * 5. `conclude`: conditions, events, reasons, and what to remember.
 *
 * Upstream: reconcileAutoscaler in pkg/controller/podautoscaler/horizontal.go of kubernetes/kubernetes
 * v1.35. Numbers are cut, rounded and overflow where they do there.
 */
import { checkBounds } from "./bounds.ts"
import { conclude, type Decision } from "./conclude.ts"
import { limit } from "./limit.ts"
import { type Memory, seed } from "./memory.ts"
import type { Observed } from "./observed.ts"
import { propose } from "./propose.ts"
import type { ResolvedSpec } from "./resolve.ts"
import { stabilise } from "./stabilise.ts"

/**
 * @param spec made by `resolveSpec`.
 * @param memory that of the last decision, or `noMemory`. A controller that restarts forgets.
 * @param nowMs on the axis of the times in `observed` and `memory`.
 */
export function decide(
  observed: Observed,
  spec: ResolvedSpec,
  memory: Memory,
  nowMs: number,
): Decision {
  const current = observed.replicas
  const known = seed(memory, current, nowMs)
  const sync = { current, spec, memory: known, nowMs }

  const forced = checkBounds(current, spec)
  if (forced !== undefined) return conclude(sync, { ...forced, metrics: [], steps: [forced] })

  const proposal = propose(observed, spec, nowMs)
  if (proposal.replicas === undefined) return conclude(sync, { ...proposal, steps: [proposal] })

  const stable = stabilise(proposal.replicas, current, spec, known.recommendations, nowMs)
  const limited = limit(stable.replicas, current, spec, known, nowMs)
  return conclude(
    { ...sync, memory: { ...known, recommendations: stable.recommendations } },
    { ...proposal, replicas: limited.replicas, steps: [proposal, stable, limited] },
  )
}
