/** The log: JSON lines for machines, short coloured ones for a terminal. */
import { type Logger, type LoggerOptions, pino } from "pino"
import type { ResolvedSettings } from "../service/settings.ts"

export async function createLogger(
  settings: Pick<ResolvedSettings, "logLevel" | "logFormat">,
): Promise<Logger> {
  const options: LoggerOptions = {
    level: settings.logLevel,
    // Whoever collects the lines knows the process and the machine already.
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
  if (!isPretty(settings.logFormat)) return pino(options)
  // A tenth of a second that production need not pay for.
  const { prettyFactory } = await import("pino-pretty")
  const pretty = prettyFactory({ singleLine: true, translateTime: "HH:MM:ss.l" })
  return pino(options, {
    write: (line) => void process.stdout.write(pretty(shortened(JSON.parse(line)))),
  })
}

export function isPretty(logFormat: ResolvedSettings["logFormat"]): boolean {
  return logFormat === "auto" ? process.stdout.isTTY === true : logFormat === "pretty"
}

/** The line of a request without what its message says already, and short when all went well. */
function shortened(line: Record<string, unknown>): Record<string, unknown> {
  const { method, path, operation, status, durationMs, outcome, requestId, ...rest } = line
  if (typeof durationMs !== "number" || outcome === undefined) return line
  const msg = `${rest.msg} in ${durationMs.toFixed(1)} ms`
  return outcome === "ok" ? { ...rest, msg } : { ...rest, msg, outcome, requestId }
}
