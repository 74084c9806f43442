import { withoutLogins } from "../core/printable.ts"

/** A load that can't be run as it was asked for. The message names what, the range, and what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError"

  constructor(message: string, options?: ErrorOptions) {
    super(withoutLogins(message), options)
  }
}
