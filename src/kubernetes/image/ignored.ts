/**
 * What does not go along with the folder that it is in: what git ignores, by git itself, since its rules
 * come from several files, and have corners; and what nobody means by naming a folder.
 */
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

/** Files in which secrets are kept. */
const secretive = /^\.(?:env|npmrc|yarnrc)/

/** Whether a file has secrets, by its name. */
export function isSecretive(name: string): boolean {
  return secretive.test(name)
}

/** Whether nobody means a file or folder of that name who names a folder that it is in. */
export function isNeverMeant(name: string): boolean {
  return name === "node_modules" || name === ".git" || isSecretive(name)
}
