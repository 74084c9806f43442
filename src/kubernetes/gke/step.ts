/**
 * A plan is a list of steps, and a step is data: what it is for, what does it, what it costs. So it can
 * be shown before anything runs, tested without anything running, and run from anywhere on.
 */
import type { Cost } from "./prices.ts"

/** A command line of gcloud, without its first word. */
export type Args = readonly string[]

export interface Step {
  /** For a person, as a sentence without its full stop. */
  readonly what: string
  readonly action: Action
  readonly cost: Cost
  /** What has to be asked before: whoever runs it spends money, or loses something. */
  readonly asks?: "spends" | "deletes"
}

export type Action =
  | {
      readonly by: "gcloud"
      readonly args: Args
      /** Set for this command alone. */
      readonly env?: Readonly<Record<string, string>>
    }
  /** Asks the cluster itself, through the kubeconfig's context. */
  | { readonly by: "cluster"; readonly work: "see metrics" | "remove balancers" }

export type Plan =
  | {
      readonly kind: "steps"
      readonly steps: readonly Step[]
      /** What is there, or gone, already, and why it is left as it is: sentences. */
      readonly notes: readonly string[]
    }
  /** It can't be begun. */
  | { readonly kind: "obstacle"; readonly message: string; readonly next: string }

export function gcloud(args: Args, env?: Readonly<Record<string, string>>): Action {
  return env === undefined ? { by: "gcloud", args } : { by: "gcloud", args, env }
}

/** As one would type it into a shell. */
export function commandLine(args: Args, env: Readonly<Record<string, string>> = {}): string {
  const set = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`)
  return [...set, "gcloud", ...args.map(quoted)].join(" ")
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
