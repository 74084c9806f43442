/** What is wrong with an option, as a failure of the command line. */
import { OptionError } from "../kubernetes/option.ts"
import { Failure } from "./failure.ts"

/** Runs `work`; an option that is not what it may be ends the command with exit code 2. */
export function understood<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof OptionError) throw new Failure(2, error.message)
    throw error
  }
}
