/** The page's files. They are sent as they lie in web/: no build, no CDN. */
import { readdir, readFile } from "node:fs/promises"

const web = new URL("../../../web/", import.meta.url)

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

let files: Promise<ReadonlyMap<string, URL>> | undefined

/** `undefined` when there is no such file. */
export async function asset(path: string): Promise<Asset | undefined> {
  files ??= found()
  const file = (await files).get(path)
  if (file === undefined) return undefined
  return { contentType: types[endingOf(file.pathname)]!, text: await readFile(file, "utf8") }
}

/** By path. What is not here can't be asked for, whatever the path says. */
async function found(): Promise<ReadonlyMap<string, URL>> {
  const names = (await readdir(web, { recursive: true })).map((name) => name.replaceAll("\\", "/"))
  return new Map([
    ...names
      .filter((name) => Object.hasOwn(types, endingOf(name)))
      .map((name): [string, URL] => [name === "index.html" ? "/" : `/${name}`, new URL(name, web)]),
    ["/uplot.js", new URL(import.meta.resolve("uplot/dist/uPlot.esm.js"))],
    ["/uplot.css", new URL(import.meta.resolve("uplot/dist/uPlot.min.css"))],
  ])
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1)
}
