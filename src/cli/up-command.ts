/** `capstan up` and its flags, and `capstan status`, which asks it. */
import { type Command, Option } from "commander"
import type { OptionSpec } from "../kubernetes/option.ts"
import { flag, settingsTable } from "../service/settings.ts"
import type { ConfigFlags } from "./config-file.ts"
import { addConfigFlags } from "./deployment-flags.ts"
import { addSettingFlags, givenSettings } from "./setting-flags.ts"
import type { StatusFlags } from "./status.ts"
import { type UpFlags, upTable } from "./up/options.ts"

export function addUpCommands(root: Command, result: { exitCode: number }): void {
  const up = root
    .command("up")
    .summary("Serve it on this machine, growing and shrinking.")
    .description(
      "Serves the service of MODULE by replicas, processes on this machine behind one port, as many as Kubernetes' autoscaler would have: it is the same decision. The live page shows them, and puts load on them. A change of the source is served without losing a request. Ctrl-C finishes what runs and stops; a second one ends it at once.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .action(async (module: string) => {
      const { up: start } = await import("./up.ts")
      result.exitCode = await start(module, up.opts() as UpFlags & ConfigFlags, givenSettings(up))
    })
  for (const [name, spec] of Object.entries<OptionSpec>(upTable)) {
    const facts = spec.default === undefined ? "none" : `${spec.default}`
    up.addOption(
      new Option(`${spelt(name)} <${valueNames[name]}>`, `${facts}\n${spec.doc}`).helpGroup(
        "Replicas:",
      ),
    )
  }
  addConfigFlags(up)
  addSettingFlags(up)

  root
    .command("status")
    .summary("Say how capstan up is doing.")
    .description(
      "Asks the capstan up that runs on this machine for its replicas, what they use, and the autoscaler's last decisions. Exit codes: 0 a replica is ready, 1 none is or nothing answers.",
    )
    .usage("[flags]")
    .option(
      "--management-port <n>",
      `${settingsTable.managementPort.default}\nThe management port of that capstan up.`,
    )
    .option("--json", "off\nAll of it, for scripts.")
    .action(async (flags: StatusFlags) => {
      const { status } = await import("./status.ts")
      result.exitCode = await status(flags)
    })
}

/** Short forms of what is typed most. */
const short: Readonly<Record<string, string>> = { minReplicas: "--min", maxReplicas: "--max" }

const valueNames: Readonly<Record<string, string>> = {
  minReplicas: "n",
  maxReplicas: "n",
  targetCpu: "percent",
  cpu: "cpu",
  signal: "cpu|demand",
  syncMs: "ms",
  webPort: "n",
  stages: "time:n,…",
}

function spelt(name: string): string {
  const alias = short[name]
  return alias === undefined ? flag(name) : `${alias}, ${flag(name)}`
}
