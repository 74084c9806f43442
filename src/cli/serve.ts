/** `capstan serve MODULE`: the production server, one process. */

import type { Server } from "../service/server.ts"
import { resolveSettings } from "../service/settings.ts"
import { listenFailure } from "./listen-failure.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { createLogger, isPretty } from "./logger.ts"
import { moduleUrl } from "./module-path.ts"
import { print } from "./print.ts"
import { stoppedBySignal } from "./stop.ts"
import { block, line, whereabouts } from "./whereabouts.ts"

/**
 * Serves until a signal ends it; resolves to the exit code.
 * @param flags the settings given as flags, by setting name.
 * @throws {Failure} when it can't be served.
 */
export async function serve(
  typed: string,
  flags: Readonly<Record<string, string | undefined>>,
): Promise<0 | 1> {
  const module = moduleUrl(typed)
  const settings = resolveSettings({ env: process.env, flags })
  const logger = await createLogger(settings)

  let server: Server | undefined
  const stopped = stoppedBySignal({
    drain: () => server?.drain(),
    said: (event) => logger.info(event),
  })
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "uncaught exception, ending")
    process.exit(1)
  })

  // A mistake above is told without waiting for this.
  const { serve: startServer } = await import("../service/server.ts")
  try {
    server = await startServer(module, {
      env: process.env,
      flags,
      logger,
      // What a `setup` waits for, a model say, may come later; probes tell until then.
      onStartFailure: "retry",
    })
  } catch (error) {
    throw listenFailure(error, settings) ?? asFailure(loadFailure(error, module), typed)
  }

  const where = whereabouts(server.service, server.settings)
  if (process.stdout.isTTY && isPretty(settings.logFormat)) {
    print(block(server, where, "Ctrl-C finishes what runs and stops."))
  } else {
    const { url, managementUrl } = server
    logger.info({ url, managementUrl }, line(server, where))
  }

  try {
    await stopped
    return 0
  } catch (error) {
    logger.fatal({ err: error }, "the drain failed")
    // An ordinary exit would wait for the thread that nothing can end.
    if (error instanceof Error && error.name === "StuckWorkerError") {
      logger.flush()
      process.kill(process.pid, "SIGKILL")
    }
    return 1
  }
}
