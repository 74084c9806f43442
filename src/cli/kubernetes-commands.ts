/** The commands that take a service to a Kubernetes cluster and back. */
import type { Command } from "commander"
import { deploymentTable } from "../kubernetes/manifests/options.ts"
import type { DeployFlags } from "./deploy.ts"
import {
  addConfigFlags,
  addDeploymentFlags,
  addImageFlags,
  givenOptions,
} from "./deployment-flags.ts"
import { addPlaceFlags, type PlaceFlags } from "./deployment-place.ts"
import type { DownFlags } from "./down.ts"
import { Failure } from "./failure.ts"
import type { ImageFlags } from "./image.ts"
import { webPortDefault } from "./load-flags.ts"
import type { OpenFlags } from "./open.ts"
import type { WatchFlags } from "./watch.ts"

/** What has a meaning beside `--rollback`; the pods themselves are what they were. */
const withRollback = new Set([
  ...["rollback", "name", "namespace", "context", "config", "environment"],
  ...["dryRun", "force", "timeout", "open"],
])

export function addKubernetesCommands(root: Command, result: { exitCode: number }): void {
  const image = root
    .command("image")
    .summary("Build its container image.")
    .description(
      "Bundles the service of MODULE with the server into a small image, builds it with docker, podman or buildah, and prints its id; with --push its name by digest, for capstan deploy.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--push", "off\nPush it to the registry that its name begins with.")
    .option(
      "--eject <folder>",
      "off\nBuild nothing: write the Dockerfile and what goes into the image there. A Dockerfile that is there stays.",
    )
    .action(async (module: string, flags: ImageFlags) => {
      const { image: start } = await import("./image.ts")
      await start(module, givenOptions(image), flags)
    })
  addImageFlags(image)
  addConfigFlags(image)

  const manifests = root
    .command("manifests")
    .summary("Print its Kubernetes manifests.")
    .description(
      "Prints what capstan deploy applies, as YAML for kubectl apply -f - or a GitOps repository. docs/kubernetes.md has the reason for each part.",
    )
    .usage("MODULE --image IMAGE [flags]")
    .argument("<module>")
    .action(async (module: string) => {
      const { printManifests } = await import("./manifests.ts")
      await printManifests(module, givenOptions(manifests))
    })
  // They are the same for every cluster.
  const { context: _, ...table } = deploymentTable
  addDeploymentFlags(manifests, "required", table)
  addConfigFlags(manifests)

  const deploy = root
    .command("deploy")
    .summary("Deploy it to a Kubernetes cluster.")
    .description(
      "Builds the image of MODULE and brings it to the cluster of the kubeconfig's current context, or takes the one that --image names; applies the manifests, waits until the new version serves, and prints its URL. What would keep it from coming up is said before anything is changed. When it does not come up all the same, says why; the version before goes on serving.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--dry-run", "off\nChange nothing: print what the cluster would change.")
    .option("--rollback", "off\nBack to the version before, instead. MODULE may be a name.")
    .option("--anyway", "off\nDeploy although the look before says that it will not come up.")
    .option(
      "--force",
      "off\nTake over fields that others have set, and objects that others have made.",
    )
    .option("--timeout <seconds>", "180\nHow long to wait for the rollout.")
    .option(
      "--open",
      "in a terminal\nAt the end, keep a port of this machine open to it where nothing else leads there.",
    )
    .option("--no-open", "elsewhere\nDon't; say how.")
    .action(
      async (
        module: string,
        flags: Partial<DeployFlags> & PlaceFlags & { readonly rollback?: true },
      ) => {
        const given = { timeout: "180", ...flags }
        if (flags.rollback) {
          refuseWithRollback(deploy)
          const { rollback } = await import("./rollback.ts")
          result.exitCode = await rollback(module, flags, given)
          return
        }
        const { deploy: start } = await import("./deploy.ts")
        result.exitCode = await start(module, givenOptions(deploy), given)
      },
    )
  addDeploymentFlags(deploy, "built now")
  addImageFlags(deploy)
  addConfigFlags(deploy)

  const open = root
    .command("open")
    .summary("Lead a port of this machine to it.")
    .description(
      "Keeps a port of 127.0.0.1 open that leads to the replicas of a deployment, each connection to the next one that is ready: replicas may come and go meanwhile. MODULE may be the deployment's name instead.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--port <n>", "8080, or a free one where it is taken\nThe port; 0 takes a free one.")
    .action(async (typed: string, flags: OpenFlags) => {
      const { open: start } = await import("./open.ts")
      result.exitCode = await start(typed, flags)
    })
  addPlaceFlags(open)

  const watch = root
    .command("watch")
    .summary("Watch it live on the cluster.")
    .description(
      "Shows a deployment as it lives: replicas, their CPU against the autoscaler's target, what the autoscaler decides and why by our own decision beside it, pods as they come and go, rollouts, restarts, logs. In a terminal a screenful, elsewhere a line for each thing that happens. MODULE may be the name of a deployment instead, of anybody's. Ctrl-C ends the watch and nothing else. Exit codes: 0 ended, 1 it is not there, the cluster does not answer, or with --once no replica is ready.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--once", "off\nLook once, and print that.")
    .option(
      "--json",
      "off\nAll of it for scripts: one object a line, each time that something has changed.",
    )
    .option("--no-logs", "followed\nDon't follow the replicas' logs.")
    .option("--page", "off\nThe live page too, with the deployment in its target tab.")
    .option(
      "-P, --web-port <n>",
      `${webPortDefault}\nPort of the page, which it opens. 0 takes a free one.`,
    )
    .action(async (typed: string, flags: WatchFlags) => {
      const { watch: start } = await import("./watch.ts")
      result.exitCode = await start(typed, flags)
    })
  addPlaceFlags(watch)

  const down = root
    .command("down")
    .summary("Remove it from the cluster, all of it.")
    .description(
      "Lists what bears the deployment's labels in the namespace, deletes it, waits until it is gone, looks again and prints what remains. MODULE may be the deployment's name instead.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--dry-run", "off\nDelete nothing: print what would go.")
    .option("--timeout <seconds>", "120\nHow long to wait until it is gone.")
    .action(async (typed: string, flags: Partial<DownFlags>) => {
      const { down: start } = await import("./down.ts")
      result.exitCode = await start(typed, { timeout: "120", ...flags })
    })
  addPlaceFlags(down)
}

function refuseWithRollback(deploy: Command): void {
  const stray = deploy.options.find((option) => {
    const name = option.attributeName()
    return deploy.getOptionValueSource(name) === "cli" && !withRollback.has(name)
  })
  if (stray === undefined) return
  throw new Failure(
    2,
    `${stray.long} has no meaning with --rollback, which takes the pods as they were.`,
    "To change something as well, deploy it.",
  )
}
