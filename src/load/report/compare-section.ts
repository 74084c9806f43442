/** The comparison with an earlier run, in the HTML report. */
import type { Change, Comparison } from "./compare.ts"
import {
  changesByName,
  changeText,
  comparedText,
  comparedWith,
  comparisonCaveat,
  isTold,
  verdictOf,
} from "./compare-text.ts"
import { html, type Markup } from "./markup.ts"
import { type Column, section, table } from "./sections.ts"

export function comparisonSection(comparison: Comparison): Markup {
  const { warnings, total, rows } = comparison
  const changed = changesByName(comparison).map(([name, change]) => ({ name, change }))
  return section(
    "comparison",
    "Against the earlier run",
    html`<p>${comparedWith(comparison)}.</p>`,
    warnings.length > 0 &&
      html`<div class="note warn"><p><b>What keeps the two from being compared:</b></p><ul>${warnings.map((warning) => html`<li>${warning}</li>`)}</ul></div>`,
    total.length > 0 &&
      table(
        "Against the earlier run",
        changeColumns,
        total.map((change) => ({ name: "", change })),
      ),
    isTold(comparison) &&
      rows.length > 1 &&
      (changed.length === 0
        ? html`<p>By name: no difference that these runs can show.</p>`
        : html`<h3>What differs by name</h3>${table("What differs by name", [nameColumn, ...changeColumns], changed)}`),
    isTold(comparison) && html`<p class="small">${comparisonCaveat}</p>`,
  )
}

interface Named {
  readonly name: string
  readonly change: Change
}

const nameColumn: Column<Named> = { head: "Name", kind: "text", cell: ({ name }) => name }

const changeColumns: readonly Column<Named>[] = [
  { head: "Figure", kind: "text", cell: ({ change }) => change.of },
  { head: "Before", cell: ({ change }) => comparedText(change.of, change.before) },
  { head: "Now", cell: ({ change }) => comparedText(change.of, change.now) },
  {
    head: "Difference",
    kind: "text",
    cell: ({ change }) =>
      html`<span class="change ${verdictOf(change)}">${changeText(change)}</span>`,
  },
]
