/**
 * The command as it was typed, for a report that others read and for the list of processes, which they
 * read too: whole, but for what is secret in it.
 */
import { withoutLogins } from "../core/printable.ts"

/** Flags whose value may be a secret, and what stands in front of it there. */
const secretFlags: ReadonlyMap<string, ":" | "="> = new Map([
  ["--header", ":"],
  ["--env", "="],
  ["--init-env", "="],
])

/** Quoted where a shell needs it. */
export function commandLine(args: readonly string[]): string {
  return ["capstan", ...withoutSecrets(args)].map(quoted).join(" ")
}

/**
 * Takes secrets out of the list of processes, as far as that can be done: until then they stood there,
 * and whoever started this process (npm, a shell) may still show them.
 */
export function hideSecrets(args: readonly string[]): void {
  const isSafe = withoutSecrets(args).every((arg, index) => arg === args[index])
  if (!isSafe) process.title = commandLine(args)
}

function withoutSecrets(args: readonly string[]): readonly string[] {
  return args.map((arg, index) => {
    const before = secretFlags.get(args[index - 1] ?? "")
    if (before !== undefined) return withoutValue(arg, before)
    const at = arg.indexOf("=")
    const flag = arg.slice(0, Math.max(0, at))
    const mark = secretFlags.get(flag)
    if (mark !== undefined) return `${flag}=${withoutValue(arg.slice(at + 1), mark)}`
    return withoutLogins(arg)
  })
}

/** A file with it is none. */
function withoutValue(value: string, mark: ":" | "="): string {
  if (mark === ":" && value.startsWith("@")) return value
  const at = value.indexOf(mark)
  if (at === -1) return "…"
  return `${value.slice(0, at)}${mark === ":" ? ": " : "="}…`
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./…-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`
}
