/**
 * Compiled code for other platforms than the image's: packages that carry their binaries often carry
 * those of all platforms, some hundred megabytes that can never be loaded.
 *
 * An image must not break by what it lacks, so a file goes only if two witnesses agree that it is for
 * another system or processor: its path below the package, where a word says so, and its own first
 * bytes. What is code, data, or for a processor that nobody names, stays. So does what is for musl,
 * which a base of somebody's may have.
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync, rmdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Platform } from "./native.ts"

/** By what a binary is for, how paths name that. */
const names = {
  windows: word("win|win32|win64|windows"),
  macos: word("darwin|macos|osx|mac"),
  x64: word("x64|x86[-_]64|amd64"),
  arm64: word("arm64|aarch64"),
  arm: word("arm|armv[67]l?|armhf"),
  ia32: word("ia32|x86(?![-_]64)|x32|linux32|i?[3-6]86"),
  ppc64: word("ppc64(?:le|el)?|powerpc64(?:le)?"),
  s390x: word("s390x"),
  riscv64: word("riscv64"),
} as const

type Kind = keyof typeof names

function word(either: string): RegExp {
  return new RegExp(`(?<![a-z0-9])(?:${either})(?![a-z0-9])`, "i")
}

/** Processors as ELF, the format of Linux, numbers them. */
const elfMachines: Readonly<Record<number, Kind>> = {
  3: "ia32",
  21: "ppc64",
  22: "s390x",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
}

/**
 * Takes what is for other platforms out of a package's folder, and folders that are empty by that.
 * @returns how many bytes that was.
 */
export function leaveOutOthers(folder: string, platform: Platform): number {
  let bytes = 0
  for (const path of readdirSync(folder, { recursive: true }).map(String)) {
    const file = join(folder, path)
    const stats = lstatSync(file)
    if (!stats.isFile() || !isForAnother(path, file, platform)) continue
    rmSync(file)
    bytes += stats.size
    for (let at = dirname(file); at !== folder && readdirSync(at).length === 0; at = dirname(at)) {
      rmdirSync(at)
    }
  }
  return bytes
}

/** @param path of the file, from the folder of its package. */
function isForAnother(path: string, file: string, platform: Platform): boolean {
  const own = platform === "linux/arm64" ? "arm64" : "x64"
  if (!Object.entries(names).some(([kind, name]) => kind !== own && name.test(path))) return false
  const kind = kindOf(head(file))
  if (kind === undefined || kind === own || !names[kind].test(path)) return false
  // Linux' code for another processor in a folder for this one may be what a compiler here links.
  return kind === "windows" || kind === "macos" || !names[own].test(path)
}

/** Whether a file is compiled code for another system or processor, by its first bytes alone. */
export function isOfAnother(file: string, platform: Platform): boolean {
  const kind = kindOf(head(file))
  return kind !== undefined && kind !== (platform === "linux/arm64" ? "arm64" : "x64")
}

const headBytes = 20

function head(file: string): Buffer {
  const bytes = Buffer.alloc(headBytes)
  const opened = openSync(file, "r")
  try {
    return bytes.subarray(0, readSync(opened, bytes))
  } finally {
    closeSync(opened)
  }
}

/** What a program or a library is for, by how it begins; undefined of all else. */
function kindOf(bytes: Buffer): Kind | undefined {
  if (bytes.length < headBytes) return undefined
  if (bytes.toString("latin1", 0, 2) === "MZ") return "windows"
  switch (bytes.readUInt32BE()) {
    case 0xcffaedfe:
    case 0xcefaedfe:
      return "macos"
    case 0xcafebabe:
      // Several in one. Java's classes begin alike, and go on with a version, which is from 45 on.
      return bytes.readUInt32BE(4) < 45 ? "macos" : undefined
    case 0x7f454c46: {
      const isBigEndian = bytes[5] === 2
      return elfMachines[isBigEndian ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18)]
    }
    default:
      return undefined
  }
}
