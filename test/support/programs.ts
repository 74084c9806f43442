/** The programs that some tests need, and where a machine gets them. */
import { spawnSync } from "node:child_process"
import { findBrowser } from "../../scripts/browser.ts"

/** By name: the Debian package that brings it. */
const packages = {
  chromium: "chromium",
  curl: "curl",
  openssl: "openssl",
  script: "bsdutils",
} as const

export type Program = keyof typeof packages

/**
 * The reason to skip a test that needs this program: how to get it; false when it is there. Where
 * nothing may be left out (`CI` is set) there never is a reason: the test runs, and fails.
 */
export function without(program: Program): string | false {
  if (process.env.CI || isThere(program)) return false
  return `needs ${program} (apt-get install -y ${packages[program]})`
}

function isThere(program: Program): boolean {
  if (program !== "chromium") {
    return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined
  }
  try {
    findBrowser()
    return true
  } catch {
    return false
  }
}
