/** Amounts as Kubernetes writes them. */

export function isCpu(text: string): boolean {
  return /^(\d+m|\d+(\.\d{1,3})?)$/.test(text) && milliCpu(text) > 0
}

export function isMemory(text: string): boolean {
  return /^[1-9]\d*(Ki|Mi|Gi|k|M|G)?$/.test(text)
}

/** `500m` → 500, `1.5` → 1500. */
export function milliCpu(text: string): number {
  return Math.round(amount(text) * 1000)
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** Any amount, in cores, bytes or pieces; NaN for what is none. `1e3` and `100m` are amounts too. */
export function amount(text: string): number {
  const [, number = "", suffix = ""] =
    /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text) ?? []
  return number === "" ? Number.NaN : Number(number) * (suffixes[suffix] ?? Number.NaN)
}

/** 1536 Mi in bytes → `1.5Gi`: for people, to two digits behind the point. */
export function shownBytes(bytes: number): string {
  const [suffix, size] = bytes >= 2 ** 30 ? ["Gi", 2 ** 30] : ["Mi", 2 ** 20]
  return `${Number((bytes / Number(size)).toFixed(2))}${suffix}`
}
