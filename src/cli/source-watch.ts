/**
 * Tells when the source has changed: the module's folder with all below it, and every file that the
 * module really imports, wherever it lies.
 *
 * Each folder gets a watch of its own instead of one recursive watch, which would follow every file
 * of `node_modules`. In the module's folder only code and the data that code imports count, so that a
 * service may write its logs and files beside its source.
 */
import { type Dirent, type FSWatcher, lstatSync, readdirSync, realpathSync, watch } from "node:fs"
import { dirname, extname, join } from "node:path"

const extensions = new Set([
  ".ts",
  ".mts",
  ".cts",
  ".js",
  ".mjs",
  ".cjs",
  ".json",
  ".wasm",
  ".node",
])
/** Beyond it a folder's changes go unseen, which is said. */
const foldersMax = 2_000

/** An editor writes a file in several steps, and a branch switch writes many files. */
const settledMs = 50

export interface SourceWatchEvents {
  /** Paths of the files, once none has changed for a moment. */
  changed(paths: readonly string[]): void
  tooMany(foldersMax: number): void
}

export class SourceWatch {
  readonly #events: SourceWatchEvents
  readonly #folders = new Map<string, FSWatcher>()
  /** Folders of which every file counts, not only the imported ones. */
  readonly #whole = new Set<string>()
  readonly #imported = new Set<string>()
  readonly #changed = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #saidTooMany = false

  constructor(folder: string, events: SourceWatchEvents) {
    this.#events = events
    this.#addTree(realpathSync(folder))
  }

  /** A file that the module imports. */
  add(path: string): void {
    if (this.#imported.has(path)) return
    this.#imported.add(path)
    this.#watch(dirname(path))
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  /** Whether there is any source in it. */
  #addTree(folder: string): boolean {
    this.#whole.add(folder)
    if (!this.#watch(folder)) return false
    let source = false
    for (const entry of entries(folder)) {
      if (isIgnored(entry.name)) continue
      if (entry.isDirectory()) source = this.#addTree(join(folder, entry.name)) || source
      else source ||= extensions.has(extname(entry.name))
    }
    return source
  }

  /** Whether the folder is watched now. */
  #watch(folder: string): boolean {
    if (this.#folders.has(folder)) return true
    if (this.#folders.size >= foldersMax) {
      if (!this.#saidTooMany) this.#events.tooMany(foldersMax)
      this.#saidTooMany = true
      return false
    }
    try {
      const watcher = watch(folder, (_, name) => this.#noticed(folder, name))
      watcher.on("error", () => this.#forget(folder))
      this.#folders.set(folder, watcher)
      return true
    } catch {
      // It went away a moment ago, or is about to be made: its parent will tell.
      return false
    }
  }

  #forget(folder: string): void {
    this.#folders.get(folder)?.close()
    this.#folders.delete(folder)
  }

  #noticed(folder: string, name: string | null): void {
    if (name === null) return
    const path = join(folder, name)
    if (this.#imported.has(path)) {
      this.#note(path)
    } else if (this.#whole.has(folder) && !isIgnored(name)) {
      if (isFolder(path)) {
        // A new one, or another in the place of one of the same name.
        this.#forget(path)
        if (this.#addTree(path)) this.#note(path)
      } else if (extensions.has(extname(name))) {
        this.#note(path)
      }
    }
  }

  #note(path: string): void {
    this.#changed.add(path)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const paths = Array.from(this.#changed)
      this.#changed.clear()
      this.#events.changed(paths)
    }, settledMs)
  }
}

function isIgnored(name: string): boolean {
  return name.startsWith(".") || name === "node_modules" || name === "dist"
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
