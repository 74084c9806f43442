/** The file of a program that a thread or a process begins with. */
import { extname } from "node:path"

/**
 * Where it is, beside the code that starts it: TypeScript like that when it runs from source, else
 * JavaScript.
 * @param path without the extension, relative to that code.
 * @param from the `import.meta.url` of that code.
 */
export function programUrl(path: string, from: string): URL {
  return new URL(path + extname(from), from)
}
