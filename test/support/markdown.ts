/** What the documentation's tests need to know of Markdown: fences, headings and links. */

export interface Fence {
  /** `ts`, `sh`, … as written behind the backticks. */
  readonly language: string
  readonly text: string
  /** Of the opening backticks, from 1. */
  readonly line: number
}

/** The code blocks, in order. */
export function fences(markdown: string): Fence[] {
  const found: Fence[] = []
  let open: { language: string; line: number; body: string[] } | undefined
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^\s*```(\S*)/.exec(line)
    if (open === undefined) {
      if (fence) open = { language: fence[1] ?? "", line: index + 1, body: [] }
    } else if (fence) {
      found.push({ language: open.language, line: open.line, text: open.body.join("\n") })
      open = undefined
    } else {
      open.body.push(line)
    }
  }
  if (open !== undefined) throw new Error(`The code block of line ${open.line} is never closed.`)
  return found
}

/** The commands of a shell's text: one a line, unless a backslash joins them. Comments are not. */
export function commandsOf(shell: string): string[] {
  return shell
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((command) => command.replace(/\s+#\s.*$/, "").trim())
    .filter((command) => command !== "" && !command.startsWith("#"))
}

/** All that a reader might type: the commands of the `sh` blocks, and those within the text. */
export function commands(markdown: string): string[] {
  const blocks = fences(markdown).filter(({ language }) => language === "sh")
  const inline = withoutFences(markdown).matchAll(
    /`((?:npm|npx|node|capstan|apt-get|docker|python3?|pip3?|bash|curl) [^`]+)`/g,
  )
  return [
    ...blocks.flatMap(({ text }) => commandsOf(text)),
    ...Array.from(inline, ([, command = ""]) => command),
  ]
}

/** The anchors that headings give, as GitHub makes them. */
export function anchors(markdown: string): Set<string> {
  const found = new Set<string>()
  for (const [, heading = ""] of withoutCode(markdown).matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-")
    let anchor = slug
    for (let again = 1; found.has(anchor); again++) anchor = `${slug}-${again}`
    found.add(anchor)
  }
  return found
}

/** Where links and pictures lead, as written. */
export function links(markdown: string): string[] {
  return Array.from(
    withoutCode(markdown).matchAll(
      /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|\b(?:src|href)="([^"]+)"/g,
    ),
    ([, inline, html]) => inline ?? html ?? "",
  )
}

/** Headings keep what stands between single backticks; links do not stand there. */
function withoutCode(markdown: string): string {
  return withoutFences(markdown).replaceAll("`", "")
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^\s*```[\s\S]*?^\s*```\s*$/gm, "")
}
