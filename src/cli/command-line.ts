/** The command as it was typed, for a report that others read: whole, but for what is secret in it. */

/** Flags whose value may be a secret, as `name: value`. */
const headerFlags = new Set(["--header"])

/** Quoted where a shell needs it. */
export function commandLine(args: readonly string[]): string {
  const shown = args.map((arg, index) => {
    const before = args[index - 1] ?? ""
    if (headerFlags.has(before)) return withoutValue(arg)
    const [, flag = "", value = ""] = /^([^=]+)=(.*)$/s.exec(arg) ?? []
    if (headerFlags.has(flag)) return `${flag}=${withoutValue(value)}`
    return arg.replace(/^((?:--?\w[\w-]*=)?https?:\/\/)[^/@]*@/, "$1…@")
  })
  return ["capstan", ...shown].map(quoted).join(" ")
}

function withoutValue(header: string): string {
  return `${header.split(":", 1)[0]}: …`
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./…-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`
}
