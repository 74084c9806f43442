/** A port that can't be had, said with the flag and the variable that change it. */
import { environmentVariable, flag, type ResolvedSettings } from "../service/settings.ts"
import { Failure } from "./failure.ts"

/** The failure to show, or undefined when the error is about something else. */
export function listenFailure(error: unknown, settings: ResolvedSettings): Failure | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number }
  const isManagement = port === settings.managementPort
  const setting = isManagement ? "managementPort" : "port"
  const host = isManagement ? "managementHost" : "host"
  const another = `Take another with ${flag(setting)} or ${environmentVariable(setting)}; 0 takes a free one.`
  switch (code) {
    case "EADDRINUSE":
      if (settings.port === settings.managementPort && settings.port !== 0) {
        return new Failure(
          2,
          `${flag("port")} and ${flag("managementPort")} are both ${port}.`,
          another,
        )
      }
      return new Failure(1, `Port ${port} is in use by another program.`, another)
    case "EACCES":
      return new Failure(1, `Port ${port} may not be listened on by this user.`, another)
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new Failure(
        1,
        `${settings[host]} is not an address of this machine.`,
        `Take another with ${flag(host)} or ${environmentVariable(host)}: 0.0.0.0 is all of them, 127.0.0.1 this machine only.`,
      )
    default:
      return undefined
  }
}
