/**
 * The terminal behind standard output, so that writing to it waits for nothing.
 *
 * Node writes to a terminal at once and stands still until all is taken. After Ctrl-S, or in a window
 * that hangs, that is for as long as somebody likes, and everything else in the process stands still
 * with it. So the terminal is opened a second time, not to wait. (To set that on the descriptor that
 * is there would set it for the shell too, which shares it.)
 */
import { constants, openSync } from "node:fs"

/** On Linux, whichever terminal it is; elsewhere, the one that the process belongs to. */
const path = process.platform === "linux" ? "/proc/self/fd/1" : "/dev/tty"

/** @returns a file descriptor to write to, for as long as the process lives. */
export function openTerminal(): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    // It belongs to somebody else (after su). Then writing waits, but in another thread.
    return process.stdout.fd
  }
}
