/**
 * How help looks. Commander lays it out and knows whether there are colours to show; here are the
 * colours, the order, and the shape of a setting: its facts behind the flag, its meaning below.
 */
import { stripVTControlCharacters, styleText } from "node:util"
import { type Command, Help, type HelpConfiguration } from "commander"

const defaults = Help.prototype

export const helpLayout: HelpConfiguration = {
  styleTitle: bold,
  styleSubcommandText: cyan,
  styleOptionText: cyan,

  subcommandTerm: (command) => `${command.name()} ${command.usage().split(" ")[0]}`,

  /** Commander puts options before commands; what a newcomer looks for is the commands. */
  formatHelp(command: Command, helper: Help): string {
    const sections = defaults.formatHelp.call(helper, command, helper).trimEnd().split("\n\n")
    const isOptions = (section: string) => stripVTControlCharacters(section).startsWith("Options:")
    const ordered = [...sections.filter((section) => !isOptions(section))]
    ordered.push(...sections.filter(isOptions))
    return `${ordered.join("\n\n")}\n`
  },

  formatItem(term: string, termWidth: number, description: string, helper: Help): string {
    const [facts, meaning] = description.split("\n")
    if (meaning === undefined) {
      return defaults.formatItem.call(helper, term, Math.min(termWidth, 16), description, helper)
    }
    const flag = term + " ".repeat(Math.max(0, 33 - helper.displayWidth(term)))
    const text = helper.boxWrap(meaning, (helper.helpWidth ?? 80) - 6)
    return `  ${flag} ${dim(facts ?? "")}\n${text.replace(/^/gm, "      ")}`
  },
}

/** Colours are always put in: Commander takes them out where nobody would see them. */
export function bold(text: string): string {
  return styleText("bold", text, { validateStream: false })
}

export function dim(text: string): string {
  return styleText("dim", text, { validateStream: false })
}

function cyan(text: string): string {
  return styleText("cyan", text, { validateStream: false })
}
