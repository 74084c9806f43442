/**
 * docs/tutorial.md, followed to the letter: its files written into a folder, its commands taken out
 * of its text. Whoever changes the tutorial changes what is run.
 */
import { commandsOf, fences } from "./markdown.ts"
import { read } from "./repository.ts"
import { isTypeScript, snippetFolder, writeSnippet } from "./snippets.ts"

const document = "docs/tutorial.md"

/** The arguments of the tutorial's `npx capstan …` that begins like this. */
export function tutorialCommand(...beginning: readonly string[]): readonly string[] {
  const found = allCommands().find((args) => beginning.every((arg, i) => args[i] === arg))
  if (found === undefined) throw new Error(`The tutorial has no ${beginning.join(" ")}.`)
  return found
}

/** The same with other values behind these flags, which it must have. */
export function withValues(
  args: readonly string[],
  values: Readonly<Record<string, string>>,
): readonly string[] {
  for (const flag of Object.keys(values)) {
    if (!args.includes(flag)) throw new Error(`${args.join(" ")} has no ${flag}.`)
  }
  return args.map((arg, i) => values[args[i - 1] ?? ""] ?? arg)
}

/** A folder with the tutorial's files; gone when disposed of. */
export function tutorialFolder(): { readonly path: string } & Disposable {
  const folder = snippetFolder()
  const modules = fences(read(document)).filter(isTypeScript)
  const [path = ""] = modules.map((fence) => writeSnippet(folder.path, document, fence))
  return {
    path: path.slice(0, path.lastIndexOf("/")),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** In order. */
function allCommands(): readonly (readonly string[])[] {
  return fences(read(document))
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => commandsOf(text))
    .filter((command) => command.startsWith("npx capstan "))
    .map((command) => command.split(/\s+/).slice(2))
}
