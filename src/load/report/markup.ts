/**
 * HTML as a value that can't be mixed up with text. What is put into a template is escaped, unless
 * it is markup already: so a path, an error or a body that a hostile target sent stays text.
 */

/** A piece of HTML. Only `html` and `trusted` make one. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Markup | false | undefined | readonly Part[]

/** html`<b>${name}</b>`: lists are joined, `false` and `undefined` leave nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    strings.reduce((text, string, index) => text + written(parts[index - 1]) + string),
  )
}

/** Our own files: scripts and styles, whose text means what it says. */
export function trusted(text: string): Markup {
  return new Markup(text)
}

/** Data for a script, in a form that can't end the element that it stands in. */
export function jsonMarkup(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll("<", "\\u003c"))
}

function written(part: Part): string {
  if (part === false || part === undefined) return ""
  if (part instanceof Markup) return part.text
  if (typeof part === "object") return part.map(written).join("")
  return String(part).replaceAll(/[&<>"']/g, (char) => entities[char]!)
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}
