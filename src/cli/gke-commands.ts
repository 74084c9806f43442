/** `capstan gke`: its commands and their flags. */
import { type Command, InvalidArgumentError } from "commander"
import { gkeDefaults, type Mode, nodesMaxMax } from "../kubernetes/gke/wish.ts"
import type { CreateFlags } from "./gke-create.ts"
import type { DeleteFlags } from "./gke-delete.ts"

export function addGkeCommands(root: Command, result: { exitCode: number }): void {
  const gke = root
    .command("gke")
    .summary("Make a cluster on Google Kubernetes Engine, or remove it.")
    .description(
      "A cluster and a registry on Google Kubernetes Engine, and the way back, by the gcloud that you have and its login. Every command is shown before it runs, with what it costs as far as that is known.",
    )
    .usage("<command>")
    .helpCommand(false)

  const { mode, machineType, nodesMin, nodesMax } = gkeDefaults
  const create = gke
    .command("create")
    .summary("Make a cluster and a registry.")
    .description(
      "Makes the cluster CLUSTER and a registry for its images, gets credentials and sees that the autoscaler will have metrics. Run again, it goes on where it was stopped.",
    )
    .usage("CLUSTER --location PLACE [flags]")
    .argument("<cluster>")
    .option(
      "--mode <mode>",
      `${mode}\nautopilot: Google runs the nodes and bills pods. standard: you have nodes, which bill.`,
      aMode,
    )
    .option("--machine-type <type>", `${machineType}\nOf each node; standard only.`)
    .option(
      "--min-nodes <number>",
      `${nodesMin}\nIn each zone, at least and at first; standard only.`,
      aNumber,
    )
    .option("--max-nodes <number>", `${nodesMax}\nIn each zone, at most; standard only.`, aNumber)
    .action(async (cluster: string, flags: CreateFlags) => {
      const { createGke } = await import("./gke-create.ts")
      result.exitCode = await createGke(cluster, flags)
    })
  addPlaceFlags(create)

  const remove = gke
    .command("delete")
    .summary("Remove them, and search for what still bills.")
    .description(
      "Removes what capstan gke create has made: load balancers first, then the cluster, then its registry. Then searches for what is left and bills, and prints the command that removes each. What Capstan has not made is left alone.",
    )
    .usage("CLUSTER --location PLACE [flags]")
    .argument("<cluster>")
    .option(
      "--skip-services",
      "off\nDelete a cluster that can't be asked to take its load balancers down. They may stay and bill.",
    )
    .action(async (cluster: string, flags: DeleteFlags) => {
      const { deleteGke } = await import("./gke-delete.ts")
      result.exitCode = await deleteGke(cluster, flags)
    })
  addPlaceFlags(remove)

  for (const command of gke.commands) {
    command.helpOption("-h, --help", "Print this help.")
    command.showHelpAfterError(`         See also: capstan gke ${command.name()} --help`)
  }
}

function addPlaceFlags(command: Command): void {
  command
    .option(
      "--location <place>",
      "required\nA region (europe-west4), or a zone (europe-west4-a) for standard.",
    )
    .option("--project <id>", "that of gcloud's configuration\nThe project that pays.")
    .option("--registry <name>", "the cluster's name\nThe registry's name.")
    .option("-y, --yes", "off\nAgree beforehand; needed where nobody can be asked.")
    .option(
      "--dry-run",
      "off\nRun nothing: print the commands and what they cost. Needs --project.",
    )
}

function aMode(typed: string): Mode {
  if (typed === "autopilot" || typed === "standard") return typed
  throw new InvalidArgumentError("It must be autopilot or standard")
}

function aNumber(typed: string): number {
  const number = /^\d{1,4}$/.test(typed) ? Number(typed) : 0
  if (number >= 1 && number <= nodesMaxMax) return number
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${nodesMaxMax}`)
}
