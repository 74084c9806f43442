/** What a replica's process and `capstan up` say to each other. */

/** What there is to know of a process that serves. */
export interface Serving {
  /** `http://127.0.0.1:PORT` of the API, and of the management port. */
  readonly url: string
  readonly managementUrl: string
  /** `Prime factors 1.0.0`. */
  readonly title: string
  readonly docs: boolean
  /** How long what it has admitted may take. */
  readonly drainGraceMs: number
}

/** Why it does not serve, in lines for a person, and the exit code of a command that ends by it. */
export interface StartFailure {
  readonly lines: readonly string[]
  readonly exitCode: 1 | 2
}

export type ToReplica =
  /** `boot` is for the program that runs there. */
  { readonly type: "start"; readonly boot: unknown } | { readonly type: "drain" }

export type FromReplica =
  /** A file that the module imports, whether it exists or not. */
  | { readonly type: "imports"; readonly path: string }
  | { readonly type: "serving"; readonly serving: Serving }
  /** It can't start, and ends. */
  | { readonly type: "failed"; readonly failure: StartFailure }
