/** The management port of a Capstan service: its metrics, and whether it takes requests. */
import type { TargetSource } from "../target.ts"
import { prometheusTarget } from "./prometheus.ts"

/** Reads one replica's management port. */
export function capstanTarget(managementUrl: string | URL): TargetSource {
  const page = (path: string): URL => new URL(path, managementUrl)
  return prometheusTarget([{ metrics: page("/metrics"), readiness: page("/readyz") }])
}

/** A Capstan service's, unless it was told otherwise. */
const portUsual = 9090

/** The source at the usual port beside the target, when a Capstan service answers there. */
export async function findTarget(target: URL, port = portUsual): Promise<TargetSource | undefined> {
  const source = capstanTarget(`${target.protocol}//${target.hostname}:${port}`)
  const reading = await source.read()
  // Port 9090 is Prometheus' own too, which has metrics and nothing to do with the target.
  return reading?.demandCores === undefined ? undefined : source
}
