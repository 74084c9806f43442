/** What the supervisor of `capstan dev` and a generation say to each other. */
import type { LoadFailure } from "../load-failure.ts"
import type { Whereabouts } from "../whereabouts.ts"

export type PortName = "api" | "management"

/** What a generation is to serve. */
export interface Boot {
  readonly moduleUrl: string
  readonly flags: Readonly<Record<string, string | undefined>>
}

export type ToGeneration =
  | { readonly type: "start"; readonly boot: Boot }
  /** Comes with the socket. */
  | { readonly type: "connection"; readonly id: number; readonly port: PortName }
  | { readonly type: "drain" }

export type FromGeneration =
  /** A file that the module imports, whether it exists or not. */
  | { readonly type: "imports"; readonly path: string }
  | { readonly type: "ready"; readonly where: Whereabouts }
  /** It can't start, and ends. */
  | { readonly type: "failed"; readonly failure: LoadFailure }
  /** The connection is in its hands now. */
  | { readonly type: "taken"; readonly id: number }
  | { readonly type: "draining" }

/** In development nobody but this machine is let in, unless somebody asks for it. */
export const developmentSettings = { host: "127.0.0.1" } as const
