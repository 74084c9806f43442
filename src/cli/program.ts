/**
 * The commands, their flags and their help. Each command's own file is loaded only when it is
 * called: `--help` does not wait for a web server, nor `serve` for a scaffold.
 */
import { Command, CommanderError } from "commander"
import { hideSecrets } from "./command-line.ts"
import { complaint } from "./failure.ts"
import { addGkeCommands } from "./gke-commands.ts"
import { bold, dim, helpLayout } from "./help.ts"
import { addKubernetesCommands } from "./kubernetes-commands.ts"
import { addLoadCommand } from "./load-command.ts"
import { packageFacts } from "./package.ts"
import { print, printError } from "./print.ts"
import { addSettingFlags, givenSettings } from "./setting-flags.ts"
import { tellFailure } from "./tell.ts"
import { addUpCommands } from "./up-command.ts"

/**
 * Runs a command line to its end and resolves to the exit code: 0, 1 for what failed, 2 for a command
 * line or a setting that is wrong. What serves ends with a signal.
 */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    hideSecrets(argv)
    const result = { exitCode: 0 }
    await program(result).parseAsync(argv, { from: "user" })
    return result.exitCode
  } catch (error) {
    // Commander has said what it had to say: help, version or a complaint.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return tellFailure(error)
  }
}

/** @param result where the actions leave the exit code. */
export function program(result: { exitCode: number }): Command {
  const { version, description } = packageFacts()
  const root = new Command("capstan")
    .description(`${bold(`capstan ${version}`)}: ${lowerFirst(description)}`)
    .usage("<command>")
    .version(
      `capstan ${version} (Node ${process.versions.node})`,
      "-V, --version",
      "Print the version.",
    )
    .helpOption("-h, --help", "Print this help, or that of a command.")
    .helpCommand(false)
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({
      writeOut: print,
      writeErr: printError,
      outputError: (text, write) => write(reworded(text)),
    })
    .commandsGroup("From nothing to production:")
    .addHelpText("after", story)

  root
    .command("new")
    .summary("Make a service that runs, tests included.")
    .description(
      "Makes the folder NAME with a service that runs as it is: one operation, its test, and the scripts to serve, test and type-check it.",
    )
    .usage("NAME [flags]")
    .argument("<name>")
    .option(
      "--capstan <spec>",
      "Where the new service takes Capstan from, as npm writes it: a version, a tarball's URL, or a path from here (file:…), which is written as one from the new folder. Left out: the Capstan that is running.",
    )
    .action(async (name: string, options: { readonly capstan?: string }) => {
      const { newService } = await import("./new.ts")
      newService(name, options.capstan)
    })

  const dev = root
    .command("dev")
    .summary("Serve it, and again on every change.")
    .description(
      "Serves the service of MODULE on 127.0.0.1 and puts every change into service in under a second. The ports stay open, running requests are finished by the version that began them, and a version that can't start leaves the last good one serving.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .action(async (module: string) => {
      const { dev: start } = await import("./dev.ts")
      result.exitCode = await start(module, givenSettings(dev))
    })
  addSettingFlags(dev)

  const serve = root
    .command("serve")
    .summary("Serve it in production, in one process.")
    .description(
      "Serves the service of MODULE: HTTP on the main thread, operations on worker threads. SIGTERM or Ctrl-C drains it; a second one ends it at once.\n\nBehind each setting stand its default and its environment variable. A flag goes over the variable.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .action(async (module: string) => {
      const { serve: start } = await import("./serve.ts")
      result.exitCode = await start(module, givenSettings(serve))
    })
  addSettingFlags(serve)

  addUpCommands(root, result)

  const openapi = root
    .command("openapi")
    .summary("Print its OpenAPI 3.1 document.")
    .description("Prints the OpenAPI 3.1 document of the service of MODULE, as JSON.")
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("-o, --output <file>", "Write it to this file instead.")
    .action(async (module: string, options: { readonly output?: string }) => {
      const { openapi: print } = await import("./openapi.ts")
      await print(module, options.output, givenSettings(openapi))
    })
  // The only one that the document speaks of.
  addSettingFlags(openapi, (name) => name === "bodyBytesMax")

  addLoadCommand(root, result)
  addKubernetesCommands(root, result)
  addGkeCommands(root, result)

  for (const command of root.commands) {
    command.helpOption("-h, --help", "Print this help.")
    command.showHelpAfterError(moreIn(`capstan ${command.name()} --help`))
  }
  root.showHelpAfterError(moreIn("capstan --help"))
  return root
}

const story = `
${bold("The first five minutes:")}
  $ capstan new my-api && cd my-api && npm install
  $ npm test
  $ npm run dev        ${dim("# now open http://127.0.0.1:8080/docs")}

MODULE is the file whose default export is a service. Every setting is a flag, an
environment variable and an option in code: capstan serve --help
`

/** Commander's complaints, as ours. */
function reworded(text: string): string {
  const message = text.replace(/^error: /, "").trimEnd()
  const missing = /^missing required argument '(.+)'/.exec(message)?.[1]
  if (missing === "module") {
    return complaint(
      "Which service? Name the file whose default export it is, for example service.ts.",
    )
  }
  if (missing === "name") {
    return complaint("What shall it be called? Give it a name, for example: capstan new my-api")
  }
  if (missing === "target") {
    return complaint("Load on what? Give a URL, for example: capstan load http://localhost:8080")
  }
  if (missing === "cluster") {
    return complaint(
      "Which cluster? Name it, for example: capstan gke create shop --location europe-west4",
    )
  }
  const unknown = /^unknown command '(.+\.[cm]?[jt]s)'/.exec(message)?.[1]
  if (unknown !== undefined) {
    return complaint(
      `"${unknown}" is not a command. Did you mean this?`,
      `capstan serve ${unknown}`,
    )
  }
  const [what = "", suggestion] = message.replace("unknown option", "unknown flag").split("\n")
  return complaint(`${what}.`, suggestion?.replace(/^\((.*)\)$/, "$1"))
}

/** Stands below a complaint, in line with it. */
function moreIn(command: string): string {
  return `         See also: ${command}`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
