/**
 * The configuration file, `capstan.config.ts`: what would otherwise be typed as flags each time, in
 * one place that is checked in, with what differs from one environment to the next beside it.
 *
 * It is read by its export `config`, not by a default export: the default export of a module is the
 * service, here as everywhere, and a name says what a file is for when it is imported by hand.
 */
import type { ImageConfig } from "../image/options.ts"
import type { DeploymentConfig } from "../manifests/options.ts"

/** What is the same for all environments, or what is different in one. */
export interface CapstanStage {
  /** Of the container image: `capstan image`, and `capstan deploy` where it builds one. */
  readonly image?: ImageConfig
  /** Of the deployment: `capstan manifests`, `deploy`, `open`, `watch` and `down`. */
  readonly deployment?: DeploymentConfig
}

export interface CapstanConfig extends CapstanStage {
  /**
   * By name, what is different there: `--environment production` lays it over the rest. A value
   * goes over the one before; variables and labels are added by their names.
   */
  readonly environments?: Readonly<Record<string, CapstanStage>>
}

/** Gives back what it is given: it is there for the editor, which then knows what may stand there. */
export function defineConfig(config: CapstanConfig): CapstanConfig {
  return config
}
