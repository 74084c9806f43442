/** Our own decision beside the cluster's autoscaler during a run: how often alike, and why not. */
import type { Sync } from "../../src/cli/watch/sync.ts"
import type { Column, Figures, Requirement } from "../report.ts"

export const agreementColumns: readonly Column[] = [
  { key: "syncs", title: "syncs seen", digits: 0 },
  { key: "differing", title: "ours differs at", digits: 0 },
]

export function agreementFigures(syncs: readonly Sync[]): Figures {
  const differing = syncs.filter(({ differences }) => differences.length > 0)
  return { syncs: syncs.length, differing: differing.length }
}

export function allExplained(syncs: readonly Sync[]): Requirement {
  return {
    what: "syncs at which ours differs from the autoscaler, and nothing says why",
    is: syncs.filter(({ differences }) => differences.some(({ because }) => because === undefined))
      .length,
    must: "at most",
    bound: 0,
  }
}

/** Each difference in words, under the title of its run. */
export function differencesInWords(title: string, syncs: readonly Sync[]): readonly string[] {
  return syncs.flatMap(({ number, differences }) =>
    differences.map(
      ({ what, because }) =>
        `${title}, sync ${number}: ${what}, ${because === undefined ? "and nothing that the API shows says why" : `because ${because}`}.`,
    ),
  )
}
