/**
 * Whether a cluster looks like one that people depend on: it is called so, or it is some cloud's. A
 * guess, to be right in the one direction: a test refuses rather once too often.
 */
export function looksLikeProduction(context: string, server: string): boolean {
  const named = /(^|[^a-z])(prod|prd|production|live|main)([^a-z]|$)/i.test(context)
  const cloud = /^gke_|^arn:aws:eks:|\.azmk8s\.io|\.eks\.amazonaws\.com|\.k8s\.ondigitalocean\.com/
  return named || cloud.test(context) || cloud.test(new URL(server).hostname)
}
