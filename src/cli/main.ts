#!/usr/bin/env node
/**
 * Where the command line begins. This file alone has to be understood by any Node, old ones too, so
 * that they can say what is the matter: nothing is imported before the version has been looked at.
 */
const nodeVersionMin = 24

if (Number.parseInt(process.versions.node, 10) < nodeVersionMin) {
  console.error(
    `capstan: Node ${process.versions.node} is too old; Capstan needs Node ${nodeVersionMin} or later, from https://nodejs.org or by a version manager (nvm install ${nodeVersionMin}).`,
  )
  process.exitCode = 2
} else {
  // Who reads our output may have seen enough of it: `capstan openapi … | head`. A terminal that has
  // been closed is another matter: it has sent a signal, which says how to end.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit()
  })
  const { run } = await import("./program.ts")
  const exitCode = await run(process.argv.slice(2))
  // Ends the process even if the service's module has left a timer or a connection behind, once all
  // output has been written.
  process.stdout.write("", () => process.exit(exitCode))
}
