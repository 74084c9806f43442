/**
 * Whether a regular expression is done soon, whatever it is held against. One that can match the same
 * text in many ways tries all of them before it gives up; of `(a+)+` there are as many as doubling
 * with every `a` makes. To tell all that are harmless from all that are not takes more than a
 * look, so this errs to one side: what it takes for quick, is.
 */

/** In how many ways it may match, as far as that does not depend on the text. */
const waysMax = 65_536

const tokenPattern =
  /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<\w+>))?|\{\d+(?:,\d*)?\}\??|[*+?]\??|./gsu

/** Ways to match: alternatives add to one another, what follows one another multiplies. */
interface Group {
  /** Of the alternatives before the present one. */
  before: number
  /** Of the present one, as far as it has been read. */
  ways: number
}

export function isQuickPattern(pattern: string): boolean {
  let group: Group = { before: 0, ways: 1 }
  const around: Group[] = []
  /** Of what a quantifier would be about. */
  let last = 1
  let endless = 0
  let isAnchored = pattern.startsWith("^")
  for (const [token] of pattern.matchAll(tokenPattern)) {
    if (token.startsWith("(")) {
      around.push(group)
      group = { before: 0, ways: 1 }
    } else if (token === ")") {
      last = group.before + group.ways
      group = around.pop() ?? group
      group.ways *= last
    } else if (token === "|") {
      group.before += group.ways
      group.ways = 1
      if (around.length === 0) isAnchored = false
    } else if (token.startsWith("?")) {
      group.ways *= (last + 1) / last
    } else if (/^[*+]|^\{\d/.test(token)) {
      if (last > 1) return false
      if (/^\{\d+\}/.test(token)) continue
      endless += 1
      // How often: so that nothing may repeat it.
      group.ways *= 2
    } else if (/^\\[1-9k]/.test(token)) {
      return false
    } else {
      last = 1
    }
  }
  // One that may begin anywhere begins everywhere.
  return group.before + group.ways <= waysMax && (endless === 0 || (endless === 1 && isAnchored))
}
