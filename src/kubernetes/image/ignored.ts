/** What git ignores, by git itself: its rules come from several files, and have corners. */
import { spawnSync } from "node:child_process"

const answerMsMax = 10_000

/** Those of some paths that git ignores in a folder; none where git or its repository is not there. */
export function ignoredAmong(paths: readonly string[], folder: string): ReadonlySet<string> {
  const { stdout, status } = spawnSync("git", ["check-ignore", "-z", "--stdin"], {
    cwd: folder,
    input: paths.join("\0"),
    encoding: "utf8",
    timeout: answerMsMax,
  })
  return new Set(status === 0 ? stdout.split("\0").filter((path) => path !== "") : [])
}
