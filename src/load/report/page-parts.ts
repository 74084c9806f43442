/**
 * What the HTML report needs of web/: the charts of the live page and their looks, as one script and
 * one style. The page's modules are joined by esbuild, which Capstan brings along for images, when
 * the first report is written.
 */
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"

export interface PageParts {
  readonly script: string
  readonly style: string
  /** SVG. */
  readonly icon: string
}

const web = new URL("../../../web/", import.meta.url)
const styles = ["style/charts.css", "report/report.css", "report/paper.css"]

let made: Promise<PageParts> | undefined

export function pageParts(): Promise<PageParts> {
  made ??= make()
  return made
}

async function make(): Promise<PageParts> {
  const [script, icon, plotStyle, colours, ...ownStyles] = await Promise.all([
    bundle(new URL("report/main.js", web)),
    readFile(new URL("icon.svg", web), "utf8"),
    readFile(new URL(import.meta.resolve("uplot/dist/uPlot.min.css")), "utf8"),
    ...["style/colours.css", ...styles].map((name) => readFile(new URL(name, web), "utf8")),
  ])
  const style = [plotStyle, colours, darkWithoutScript(colours!), ...ownStyles].join("\n")
  return { script, icon, style }
}

/** The page's script says which colours hold; where it does not run, the system does. Paper is light. */
function darkWithoutScript(colours: string): string {
  const dark = /:root\[data-theme="dark"\] (\{[^}]*\})/.exec(colours)?.[1] ?? "{}"
  return `@media screen and (prefers-color-scheme: dark) { :root:not([data-theme]) ${dark} }`
}

/** As a script that needs no other. esbuild writes `</script` in a way that does not end one. */
async function bundle(entry: URL): Promise<string> {
  const { build } = await import("esbuild")
  const uplot = fileURLToPath(import.meta.resolve("uplot/dist/uPlot.esm.js"))
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "inline",
    logLevel: "silent",
    plugins: [
      {
        name: "uplot",
        setup: ({ onResolve }) => onResolve({ filter: /\/uplot\.js$/ }, () => ({ path: uplot })),
      },
    ],
  })
  return outputFiles[0]!.text
}
