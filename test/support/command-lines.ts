/**
 * Runs command lines one after the other, in one process: a hundred starts of Node show no more of
 * what is wrong with a command line than one does.
 *
 * Given a list of them as JSON, it answers with what each came to, as JSON.
 */
import { run } from "../../src/cli/program.ts"

export interface CommandLine {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const write = process.stdout.write.bind(process.stdout)
const written = { stdout: "", stderr: "" }
for (const name of ["stdout", "stderr"] as const) {
  process[name].write = (chunk: string | Uint8Array) => {
    written[name] += String(chunk)
    return true
  }
}

const ended: CommandLine[] = []
for (const args of JSON.parse(process.argv[2] ?? "[]") as string[][]) {
  Object.assign(written, { stdout: "", stderr: "" })
  const code = await run(args)
  ended.push({ code, ...written })
}
// A page that found its port taken, say, has left handlers of signals behind.
write(JSON.stringify(ended), () => process.exit())
