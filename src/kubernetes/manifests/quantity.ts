/** Amounts as Kubernetes writes them, as far as a deployment is given them. */

export function isCpu(text: string): boolean {
  return /^(\d+m|\d+(\.\d{1,3})?)$/.test(text) && milliCpu(text) > 0
}

export function isMemory(text: string): boolean {
  return /^[1-9]\d*(Ki|Mi|Gi|k|M|G)?$/.test(text)
}

/** `500m` → 500, `1.5` → 1500. */
export function milliCpu(text: string): number {
  return text.endsWith("m") ? Number(text.slice(0, -1)) : Math.round(Number(text) * 1000)
}
