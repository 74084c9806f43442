/** What is told again and again, once a second at the most: it would drown everything else. */
export function onceASecond(tell: () => void): () => void {
  let toldAtMs = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - toldAtMs < 1000) return
    toldAtMs = performance.now()
    tell()
  }
}
