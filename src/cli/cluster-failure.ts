/** What a cluster says when it does not do what it was asked, as a failure with what to do. */
import { UnreachableError } from "../kubernetes/access/unreachable.ts"
import { ApiError } from "../kubernetes/cluster/api.ts"
import { ConflictError, ForeignError } from "../kubernetes/cluster/apply.ts"
import { Failure } from "./failure.ts"

/** Runs `work`; what the cluster throws becomes a failure, everything else stays what it is. */
export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof UnreachableError) {
      throw new Failure(
        1,
        error.message,
        "The cluster is that of the kubeconfig's context, the current one or --context's:  kubectl config get-contexts",
      )
    }
    if (error instanceof ForeignError) {
      throw new Failure(
        1,
        error.message,
        "Call the deployment otherwise with --name, or take it over with --force: capstan down then removes it with the rest.",
      )
    }
    if (error instanceof ConflictError) {
      throw new Failure(
        1,
        error.message,
        "Let them have it, and say the same in your configuration; or take it over with --force.",
      )
    }
    if (error instanceof ApiError) throw new Failure(1, wordsOf(error), nextOf(error))
    throw error
  }
}

function wordsOf({ status, reason, message }: ApiError): string {
  switch (status) {
    case 401:
      return "The cluster does not know you: the login of this context has expired or is wrong."
    case 403:
      return `The cluster forbids it: ${message}`
    case 409:
      return `Somebody else has set what this would change: ${message}`
    case 422:
      return `The cluster finds it invalid: ${message}`
    default:
      return `The cluster answered ${status} ${reason}: ${message}`
  }
}

function nextOf({ status }: ApiError): string | undefined {
  switch (status) {
    case 401:
      return "Log in again, with whatever your cluster uses for it."
    case 409:
      return "Let them have it and say the same, or take it over with --force."
    default:
      return undefined
  }
}

/** @throws {Failure} when it is no number of seconds. */
export function secondsAsMs(typed: string, flag: string): number {
  const seconds = /^\d{1,5}$/.test(typed) ? Number(typed) : 0
  if (seconds < 1 || seconds > 86_400) {
    throw new Failure(2, `${flag} is ${JSON.stringify(typed)}; it must be 1 to 86400 seconds.`)
  }
  return seconds * 1000
}
