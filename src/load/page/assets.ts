/** The page's files. They are sent as they lie there: no build, no CDN. */
import { readFile } from "node:fs/promises"

const web = new URL("../../../web/", import.meta.url)

const files: Readonly<Record<string, URL>> = {
  "/": new URL("index.html", web),
  "/uplot.js": new URL(import.meta.resolve("uplot/dist/uPlot.esm.js")),
  "/uplot.css": new URL(import.meta.resolve("uplot/dist/uPlot.min.css")),
  ...Object.fromEntries(
    [
      "page.css",
      "page.js",
      "charts.js",
      "figures.js",
      "format.js",
      "form.js",
      "tables.js",
      "tabs.js",
      "theme.js",
      "icon.svg",
    ].map((name) => [`/${name}`, new URL(name, web)]),
  ),
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
}

export interface Asset {
  readonly contentType: string
  readonly text: string
}

/** `undefined` when there is no such file. */
export async function asset(path: string): Promise<Asset | undefined> {
  if (!Object.hasOwn(files, path)) return undefined
  const file = files[path]!
  const ending = file.pathname.slice(file.pathname.lastIndexOf(".") + 1)
  return { contentType: types[ending]!, text: await readFile(file, "utf8") }
}
