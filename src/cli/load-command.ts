/** `capstan load` and its flags. Those that Locust has too mean what they mean there. */
import { type Command, Option } from "commander"
import { defaults } from "../load/config.ts"
import { formatDuration } from "../load/pace/duration.ts"
import { type LoadFlags, webPortDefault } from "./load-flags.ts"

export function addLoadCommand(root: Command, result: { exitCode: number }): void {
  root
    .command("load")
    .summary("Put load on it, and see the answer.")
    .description(
      "Sends requests to TARGET and measures the answers. TARGET is a URL, whose /openapi.json says what to send, or a scenario, a module that says it itself. Opens the live page, or with --headless starts at once. Ctrl-C ends the run and reports what there is; a second one ends it at once.\n\nExit codes: 0 all went well, 1 requests failed and no threshold allows for it, or the scenario threw, or a report could not be written, 2 the command line is wrong, 98 the generator was the bottleneck, 99 a threshold was crossed.",
    )
    .usage("TARGET [flags]")
    .argument("<target>")
    .optionsGroup("How much:")
    .option(
      "-u, --users <n>",
      `${defaults.users}\nClosed model: users, each of which waits for its answer.`,
    )
    .option("-r, --spawn-rate <n>", "all of them\nUsers started a second, spread within it.")
    .option(
      "--rate <n/s>",
      "none\nOpen model instead: requests a second, answered or not. 200/s, 600/m.",
    )
    .option(
      "--stages <time:n,…>",
      "none\nEither over time, in straight lines: 0:10,1m:200,3m:200 in users, 0:10/s,1m:200/s in requests.",
    )
    .addOption(
      new Option(
        "--arrivals <how>",
        "even\nOf a rate: even, or poisson, by chance as independent clients come.",
      ).choices(["even", "poisson"]),
    )
    .option(
      "-t, --run-time <time>",
      "the stages' end, else until Ctrl-C\nFor how long to send: 30s, 5m, 1h30m.",
    )
    .optionsGroup("What is sent, and to whom:")
    .option("-H, --host <url>", "none\nThe target, when a scenario is given.")
    .option(
      "--openapi <file>",
      "TARGET/openapi.json\nThe OpenAPI document that says what to send, in JSON or YAML.",
    )
    .option(
      "--header <line>",
      "none\nSent with every request, as 'name: value'. Or @FILE with one on each line, @- for standard input: what is secret belongs there, since others see what is typed in the list of processes. Repeatable.",
      collect,
    )
    .option(
      "--timeout <time>",
      `${formatDuration(defaults.timeoutMs)}\nHow long an answer may take, from when its request was to be sent.`,
    )
    .option(
      "--connection-age <time>",
      `${formatDuration(defaults.connectionAgeMs)}\nAge at which connections are replaced, give or take a fifth, so that new replicas get their share. 0: never.`,
    )
    .option(
      "--connection-requests <n>",
      `${defaults.connectionRequestsMax}\nRequests after which they are, give or take a fifth. 0: never.`,
    )
    .option("--insecure", "off\nCertificates are not checked.")
    .option(
      "--workers <n>",
      "auto\nThreads that send, a core each. auto: one, and more when those have no CPU left, as many as there are cores; half of them when the target is on this machine.",
    )
    .option(
      "--management <url>",
      "port 9090 of the target, if it answers\nWhere a Capstan service tells its workers, queue and demand.",
    )
    .option(
      "--target-metrics <url>",
      "none\nInstead: metrics of any service in Prometheus' format, one URL for each replica. Repeatable.",
      collect,
    )
    .option(
      "--deployment <name>",
      "none\nInstead: the deployment on Kubernetes that the target leads to, in the kubeconfig's current context; NAMESPACE/NAME for one in another namespace. Its replicas, CPU and autoscaler.",
    )
    .optionsGroup("What comes of it:")
    .option("--headless", "off\nNo page: starts at once, and ends by itself after the run time.")
    .option("-P, --web-port <n>", `${webPortDefault}\nPort of the page. 0 takes a free one.`)
    .option(
      "--web-host <address>",
      "127.0.0.1\nWhere else the page listens, 0.0.0.0 for everywhere. Whoever reaches it can start any load.",
    )
    .option(
      "--threshold <rule>",
      "none\nWhat the run has to keep: 'p99<500ms', 'errors<1%', 'rate>=100/s'. Repeatable. 'errors<10% abort' ends the run when it is crossed, after 5 s at the earliest or as in 'abort after 30s'.",
      collect,
    )
    .option(
      "--csv <prefix>",
      "none\nWrites Locust's tables: PREFIX_stats.csv, PREFIX_stats_history.csv, PREFIX_failures.csv, PREFIX_exceptions.csv.",
    )
    .option("--json <file>", "none\nWrites everything, histograms included.")
    .option("--html <file>", "none\nWrites a report with charts, all in one file.")
    .option(
      "--compare <file>",
      "none\nWhat an earlier run wrote with --json: says what differs by more than chance.",
    )
    .action(async (target: string, flags: LoadFlags) => {
      const { load } = await import("./load.ts")
      result.exitCode = await load(target, flags)
    })
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
