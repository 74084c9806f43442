/** The log: JSON lines for machines, short coloured ones for a terminal. */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino"
import type { ResolvedSettings } from "../service/settings.ts"
import { LogWriter } from "./log-writer.ts"
import { print } from "./print.ts"

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
  if (!isPretty(settings.logFormat)) return gatheringLogger(options)
  // A tenth of a second that production need not pay for.
  const { prettyFactory } = await import("pino-pretty")
  const pretty = prettyFactory({ singleLine: true, translateTime: "HH:MM:ss.l" })
  return pino(options, {
    write: (line) => void print(pretty(shortened(JSON.parse(line)))),
  })
}

/**
 * Lines leave together, on another thread: by themselves they cost a quarter of what refusing does,
 * and whoever reads them too slowly would hold up all requests. What is left leaves when the process
 * exits or when it is flushed; a signal that ends it at once loses the last tenth of a second.
 */
function gatheringLogger(options: LoggerOptions): Logger {
  const writer = new LogWriter({
    fd: 1,
    gatherMs: 100,
    dropped: (lines) =>
      JSON.stringify({
        level: "warn",
        time: new Date().toISOString(),
        lines,
        msg: "lines of the log could not be written, since nobody read them",
      }),
  })
  process.once("exit", () => writer.flush())
  return pino(options, {
    write: (line) => writer.write(line),
    // Which is what a logger's own `flush` calls, though the types don't say so.
    flush(done?: () => void) {
      writer.flush()
      done?.()
    },
  } as DestinationStream)
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
