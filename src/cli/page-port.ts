/** Opens the live page; a port that can't be had is said with the flag that changes it. */
import { type PageServer, servePage } from "../load/page/server.ts"
import type { Session } from "../load/page/session.ts"
import { Failure } from "./failure.ts"

/**
 * @param host @default 127.0.0.1
 * @throws {Failure} when the port, or the address, can't be had.
 */
export async function openPage(session: Session, port: number, host?: string): Promise<PageServer> {
  try {
    return await servePage(session, port, host)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new Failure(
        2,
        `--web-host is ${JSON.stringify(host)}, which is no address of this machine.`,
        "127.0.0.1 is for this machine alone, 0.0.0.0 for all that reach it.",
      )
    }
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error
    const why = code === "EACCES" ? "may not be listened on by this user" : "is in use"
    throw new Failure(
      1,
      `Port ${port}, for the live page, ${why}.`,
      "Take another with --web-port; 0 is a free one.",
    )
  }
}
