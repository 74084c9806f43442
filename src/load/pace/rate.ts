/** Rates as they are typed: `200/s`, `600/m`, or a bare number of requests a second. */

const unitsS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** In requests a second; `undefined` when it is none. */
export function parseRate(text: string): number | undefined {
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text.trim()) ?? []
  return number === undefined ? undefined : Number(number) / unitsS[unit]!
}
