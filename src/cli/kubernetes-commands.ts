/** The commands that take a service to a Kubernetes cluster and back. */
import { type Command, InvalidArgumentError, Option } from "commander"
import { builders } from "../kubernetes/image/builder.ts"
import { platforms } from "../kubernetes/image/native.ts"
import type { DeployFlags } from "./deploy.ts"
import { addDeploymentFlags, givenDeployment, repeated } from "./deployment-flags.ts"
import type { DownFlags } from "./down.ts"
import type { ImageFlags } from "./image.ts"

export function addKubernetesCommands(root: Command, result: { exitCode: number }): void {
  root
    .command("image")
    .summary("Build its container image.")
    .description(
      "Bundles the service of MODULE with the server into a small image, builds it with docker, podman or buildah, and prints its id; with --push its name by digest, for capstan deploy.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--tag <name>", "the service's title and version\nIts name, registry included.")
    .option("--push", "off\nPush it to the registry that its name begins with.")
    .option(
      "--base <image>",
      "node:26-slim\nThe image that it starts from; it must have Node 24 or later.",
    )
    .addOption(
      new Option(
        "--platform <name>",
        `${ownPlatform}\nWhat it runs on: ${platforms.join(", ")}.`,
      ).argParser(oneOf(platforms)),
    )
    .addOption(
      new Option("--builder <name>", `the first that works\n${builders.join(", ")}.`).argParser(
        oneOf(builders),
      ),
    )
    .addOption(
      repeated(
        "--external <package>",
        "none\nInstall this package whole instead of bundling it; may be said again.",
      ),
    )
    .option(
      "--eject <folder>",
      "off\nBuild nothing: write the Dockerfile and what goes into the image there. A Dockerfile that is there stays.",
    )
    .action(async (module: string, flags: Partial<ImageFlags>) => {
      const { image } = await import("./image.ts")
      await image(module, { base: "node:26-slim", platform: ownPlatform, ...flags })
    })

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
      await printManifests(module, givenDeployment(manifests))
    })
  addDeploymentFlags(manifests)

  const deploy = root
    .command("deploy")
    .summary("Deploy it to a Kubernetes cluster.")
    .description(
      "Applies the manifests of MODULE to the cluster of the kubeconfig's current context, waits until the new version serves, and prints its URL. When it does not come up, says why; the version before goes on serving.",
    )
    .usage("MODULE --image IMAGE [flags]")
    .argument("<module>")
    .option("--dry-run", "off\nChange nothing: print what the cluster would change.")
    .option("--force", "off\nTake over fields that others have set.")
    .option("--timeout <seconds>", "180\nHow long to wait for the rollout.")
    .action(async (module: string, flags: Partial<DeployFlags>) => {
      const { deploy: start } = await import("./deploy.ts")
      result.exitCode = await start(module, givenDeployment(deploy), { timeout: "180", ...flags })
    })
  addDeploymentFlags(deploy)

  root
    .command("down")
    .summary("Remove it from the cluster, all of it.")
    .description(
      "Lists what bears the deployment's labels in the namespace, deletes it, waits until it is gone, looks again and prints what remains. MODULE may be the deployment's name instead.",
    )
    .usage("MODULE [flags]")
    .argument("<module>")
    .option("--name <name>", "the service's title\nThe deployment's name.")
    .option("--namespace <name>", "the context's\nThe namespace that it is in.")
    .option("--dry-run", "off\nDelete nothing: print what would go.")
    .option("--timeout <seconds>", "120\nHow long to wait until it is gone.")
    .action(async (typed: string, flags: Partial<DownFlags>) => {
      const { down } = await import("./down.ts")
      result.exitCode = await down(typed, { timeout: "120", ...flags })
    })
}

const ownPlatform = process.arch === "arm64" ? "linux/arm64" : "linux/amd64"

/** As Commander's own `choices`, whose help would say again what stands there already. */
function oneOf<Choice extends string>(choices: readonly Choice[]): (typed: string) => Choice {
  return (typed) => {
    const choice = choices.find((each) => each === typed)
    if (choice === undefined)
      throw new InvalidArgumentError(`It must be one of ${choices.join(", ")}`)
    return choice
  }
}
