/** How a command that failed ends: the person is told, and the exit code says of what kind it was. */
import { SettingError } from "../service/settings.ts"
import { complaint, Failure, type FailureCode } from "./failure.ts"
import { printError } from "./print.ts"

/** Says on standard error what was thrown; gives the exit code. */
export function tellFailure(error: unknown): FailureCode {
  if (error instanceof Failure) {
    printError(complaint(error.message, error.hint))
    return error.exitCode
  }
  if (error instanceof SettingError) {
    printError(complaint(error.message))
    return 2
  }
  const bug = error instanceof Error ? error.stack : String(error)
  printError(complaint("This should not have happened: it is a bug.", bug))
  return 1
}
