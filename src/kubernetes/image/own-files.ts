/**
 * Files of the project that its code reaches while it runs. They lie in the image as they lie in the
 * project, in a folder of their own beside the bundle, and each module of the bundle is told that it
 * lies there too. Modules that are reached like that, workers for one, become programs of the bundle.
 *
 * A file that is named is taken, wherever it lies in the project; a folder only as long as that is
 * no accident: not the code's own, none that git ignores, and none that is huge.
 */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs"
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path"
import type { OnLoadResult, Plugin } from "esbuild"
import { computesModules, plainOwn } from "./beside.ts"
import { ignoredAmong, isNeverMeant, isSecretive } from "./ignored.ts"
import { installedFor, nameIn, packageOf } from "./package-folder.ts"
import { followPlaces, namesPlaces, placeWords, type Reached } from "./places.ts"
import { megabytes } from "./sizes.ts"

/** Where the project's files lie in the image, beside the bundle. */
export const projectFolder = "project"

/** What a folder may have that is taken because code names it. */
const folderBytesMax = 100 * 2 ** 20
const folderFilesMax = 10_000

const codeEndings = new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"])
/** What Node imports itself, and a bundle can't hold. */
const loadedByNode = /\.(?:wasm|node)$/

/** A file that goes into the image. */
interface TakenFile {
  readonly from: string
  /** From the project's folder in the image, with slashes. */
  readonly to: string
  readonly bytes: number
}

export interface TakenFiles {
  readonly files: readonly TakenFile[]
  /** What a person should know of them, in sentences. */
  readonly notes: readonly string[]
}

interface Use extends Reached {
  /** The module that reaches it. */
  readonly by: string
}

type LookedFor = (name: string, folder: string) => void

export class OwnFiles {
  readonly plugin: Plugin
  readonly #root: string
  readonly #capstan: string
  #top: string
  /** By path, what a module that is reached by its place is called as a program of the bundle. */
  readonly #programs = new Map<string, string>()
  readonly #modules = new Set<string>()
  /** Those that load others by names that they compute. */
  readonly #computing = new Set<string>()
  /** Those whose code can't be read for what it names. */
  readonly #unread = new Set<string>()
  #uses: Use[] = []
  #fromStart: { readonly path: string; readonly by: string }[] = []

  /**
   * @param root the folder of the project: files are named from there.
   * @param capstan the folder of our own code.
   * @param lookedFor is told of packages whose place the code asks for.
   */
  constructor(root: string, capstan: string, lookedFor: LookedFor) {
    this.#root = root
    this.#top = root
    this.#capstan = capstan
    this.plugin = this.#plugin(lookedFor)
  }

  /** How much is known: as long as it grows, a bundle has to be made again. */
  get known(): string {
    return `${this.#programs.size} ${this.#top}`
  }

  /** The programs that the code starts or loads by their place. */
  programs(): readonly { readonly in: string; readonly out: string }[] {
    return Array.from(this.#programs, ([path, name]) => ({ in: path, out: name }))
  }

  /** The folder in the image that is to the project what the project's folder is here. */
  get start(): string {
    return this.#place(this.#root)
  }

  /**
   * What goes into the image.
   * @param named what was asked for, as files in the project.
   */
  taken(named: readonly string[]): TakenFiles {
    const files = new Map<string, TakenFile>()
    const notes = new Set<string>()
    const take = (from: string): void => {
      const bytes = statSync(from).size
      files.set(from, { from, to: relative(this.#top, from).replaceAll(sep, "/"), bytes })
    }
    for (const file of named) take(file)
    for (const file of this.#computing) {
      notes.add(
        `${this.#shown(file)} loads a module by a name that it computes, which can't be told: it is not in the image. Import each by its name, or begin with a folder: import("./plugins/" + name + ".ts").`,
      )
    }
    for (const file of this.#unread) {
      notes.add(
        `What ${this.#shown(file)} reaches can't be read off its code. Name what it needs in image.files, and let it look in the folder in which it is started.`,
      )
    }
    for (const use of this.#uses) {
      const note = this.#take(use, take, named)
      if (note !== undefined) notes.add(note)
    }
    for (const { path, by } of this.#fromStart) {
      if (files.has(path) || !statSync(path, { throwIfNoEntry: false })?.isFile()) continue
      notes.add(
        `${this.#shown(by)} reads ${this.#shown(path)} from the folder in which it is started: it is not in the image. Name it in image.files (--files ${this.#shown(path)}), or reach it from import.meta.dirname.`,
      )
    }
    const taken = [...files.values()].toSorted((a, b) => (a.to < b.to ? -1 : 1))
    for (const note of aboutTaken(taken, this.#root)) notes.add(note)
    return { files: taken, notes: [...notes].toSorted() }
  }

  #take(
    { path, isExact, isNamed, isRead, by }: Use,
    take: (file: string) => void,
    named: readonly string[],
  ): string | undefined {
    const [shown, who] = [this.#shown(path), this.#shown(by)]
    if (named.includes(path)) return undefined
    const stats = statSync(path, { throwIfNoEntry: false })
    if (isNamed && !stats?.isFile()) return undefined
    const isThere = named.some((file) => file.startsWith(join(path, sep)))
    if (stats === undefined) {
      return `${who} reaches ${shown}, which does not exist: it will not be in the image either.`
    }
    if (!`${path}${sep}`.startsWith(join(this.#top, sep))) {
      return `${who} reaches ${path}, which is outside the project: it is not in the image. Move it into ${this.#root}.`
    }
    if (stats.isFile()) {
      if (isSecretive(basename(path))) {
        return `${who} reaches ${shown}: such files have secrets, and it is not in the image. Its variables belong into the deployment; if it has none, name it in image.files.`
      }
      if (path === by && !isRead) {
        if (isNamed) return undefined
        return `${who} passes its own place on: what is reached from there can't be told. Name it in image.files.`
      }
      if (codeEndings.has(extname(path)) && isNamed) return undefined
      take(path)
      return undefined
    }
    if (isThere) return undefined
    const isCode = [...this.#modules].some((file) => file.startsWith(join(path, sep)))
    if (isCode) {
      return isExact && !isNamed
        ? `${who} names ${shown || "."}, the folder of its own code: what it reaches there can't be told. Name that in image.files.`
        : `${who} reaches something in ${shown || "."} by a name that it computes, which can't be told. Name what it needs in image.files.`
    }
    const { files, bytes, isHuge } = filesIn(path)
    const told = `${isHuge ? "more than " : ""}${counted(files.length)}, ${megabytes(bytes)}`
    if (isHuge) {
      return `${who} reaches the folder ${shown}, which is huge (${told}): it is not in the image. If it belongs there, name it in image.files: ${shown}/**`
    }
    // Packages are ignored as a rule, and what they have is meant where it is named.
    const ignored = packageOf(path) ? new Set() : ignoredAmong([path, ...files], this.#root)
    if (ignored.has(path)) {
      return `${who} reaches the folder ${shown} (${told}), which git ignores: it is not in the image. If it belongs there, name it in image.files: ${shown}/**`
    }
    for (const file of files) if (!ignored.has(file)) take(file)
    return ignored.size === 0
      ? undefined
      : `Of the folder ${shown}, ${counted(ignored.size)} stayed out of the image because git ignores them. Those that belong there have to be named in image.files.`
  }

  #plugin(lookedFor: LookedFor): Plugin {
    return {
      name: "own-files",
      setup: ({ onStart, onLoad, onResolve }) => {
        onStart(() => {
          this.#uses = []
          this.#fromStart = []
        })
        onResolve({ filter: loadedByNode }, ({ path: typed, importer, resolveDir, kind }) => {
          const path = resolve(resolveDir, typed)
          const isImport = kind !== "entry-point" && /^\.{1,2}\//.test(typed)
          if (!isImport || !this.#isOwn(importer) || !existsSync(path)) return undefined
          this.#uses.push({ path, by: importer, isExact: true, isRead: true, isNamed: false })
          return { path: `./${this.#place(path)}`, external: true }
        })
        onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
          if (!this.#isOwn(path)) return undefined
          this.#learn(path)
          const text = readFileSync(path, "utf8")
          if (await computesModules(text, path)) this.#computing.add(path)
          if (!namesPlaces.test(text)) return undefined
          // What is not code is for esbuild to tell, by file and line.
          const code = await plainOwn(path).catch(() => undefined)
          return code === undefined ? undefined : this.#load(path, code, lookedFor)
        })
      },
    }
  }

  #load(path: string, plainCode: string, lookedFor: LookedFor): OnLoadResult | undefined {
    const followed = followPlaces(plainCode, path, (to) => this.#program(to))
    if (followed === undefined) {
      this.#unread.add(path)
      return undefined
    }
    for (const reached of followed.reached) {
      this.#uses.push({ ...reached, by: path })
      // What is installed for the project may lie above it.
      if (packageOf(reached.path) !== undefined && existsSync(reached.path)) {
        this.#widen(reached.path)
      }
    }
    for (const typed of followed.fromStart) {
      this.#fromStart.push({ path: resolve(this.#root, typed), by: path })
    }
    for (const typed of followed.packages) {
      const name = nameIn(typed)
      const folder = installedFor(dirname(path), name)
      if (folder !== undefined) lookedFor(name, folder)
    }
    const { code } = followed
    const isPlaced = code.includes("capstan_")
    if (!isPlaced && code === plainCode) return undefined
    const words = isPlaced ? `${placeWords(this.#place(path))};\n` : ""
    return {
      contents: words + code.replace(/^#!.*\n/, ""),
      loader: "js",
      resolveDir: dirname(path),
    }
  }

  #isOwn(file: string): boolean {
    return !file.includes(`${sep}node_modules${sep}`) && !file.startsWith(this.#capstan + sep)
  }

  #program(path: string): string | undefined {
    if (!codeEndings.has(extname(path)) || !this.#isOwn(path)) return undefined
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined
    const known = this.#programs.get(path)
    const hash = createHash("sha256").update(relative(this.#root, path)).digest("hex")
    const name = known ?? `${basename(path, extname(path))}-${hash.slice(0, 8)}`
    this.#programs.set(path, name)
    return `${name}.js`
  }

  /** Takes note of a module; those beside the project have a place in the image as well. */
  #learn(file: string): void {
    this.#modules.add(file)
    this.#widen(file)
  }

  #widen(file: string): void {
    while (!file.startsWith(join(this.#top, sep))) this.#top = dirname(this.#top)
  }

  /** From the bundle's folder, with slashes. */
  #place(path: string): string {
    return join(projectFolder, relative(this.#top, path)).replaceAll(sep, "/")
  }

  #shown(path: string): string {
    return relative(this.#root, path) || "."
  }
}

/** What has to be said of files that are taken: where they come from, and how much they are. */
function aboutTaken(files: readonly TakenFile[], root: string): readonly string[] {
  const notes: string[] = []
  const outside = files.filter(
    ({ from }) => !realpathSync(from).startsWith(join(realpathSync(root), sep)),
  )
  for (const { from } of outside) {
    notes.push(
      `${realpathSync(from)} is in the image although it is outside ${root}, because the code reaches it.`,
    )
  }
  if (files.length > 0) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    const names = files
      .slice(0, 5)
      .map(({ from, bytes: of }) => `${relative(root, from)} ${megabytes(of)}`)
    const more = files.length > 5 ? `, and ${files.length - 5} more` : ""
    notes.push(`files of the project in the image, ${megabytes(bytes)}: ${names.join(", ")}${more}`)
  }
  return notes
}

function counted(files: number): string {
  return files === 1 ? "1 file" : `${files} files`
}

function filesIn(folder: string): {
  readonly files: readonly string[]
  readonly bytes: number
  readonly isHuge: boolean
} {
  const files: string[] = []
  let bytes = 0
  const queue = [folder]
  for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
    for (const entry of readdirSync(place, { withFileTypes: true })) {
      if (isNeverMeant(entry.name)) continue
      const path = join(place, entry.name)
      // A link to a folder may lead in a circle, or anywhere.
      if (entry.isDirectory()) queue.push(path)
      const stats = statSync(path, { throwIfNoEntry: false })
      if (!stats?.isFile()) continue
      files.push(path)
      bytes += stats.size
      if (files.length > folderFilesMax || bytes > folderBytesMax)
        return { files, bytes, isHuge: true }
    }
  }
  return { files, bytes, isHuge: false }
}
