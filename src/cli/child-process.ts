/** What the processes that `capstan dev` and `capstan up` start have in common. */
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"

/**
 * Ends this process when the one that started it is gone, however that came about, and leaves
 * signals to it, because Ctrl-C in a terminal, and its end, reach them both.
 */
export function endWithParent(): void {
  process.on("disconnect", () => process.exit(1))
  if (!process.connected) process.exit(1)
  process.on("SIGINT", () => {})
  process.on("SIGTERM", () => {})
  process.on("SIGHUP", () => {})
  // For when the person's code keeps the main thread from hearing of it.
  const watch = `
    const { ppid } = process
    setInterval(() => process.ppid === ppid || process.kill(process.pid, "SIGKILL"), 500)`
  new Worker(watch, { eval: true }).unref()
}

/**
 * Reports each file that is imported from now on, but for packages, whether it exists or not.
 * Returns the last ones.
 */
export function watchImports(report: (path: string) => void): () => string[] {
  const seen = new Set<string>()
  const note = (url: string): void => {
    if (!url.startsWith("file:") || url.includes("/node_modules/")) return
    const path = fileURLToPath(url)
    if (seen.has(path)) return
    seen.add(path)
    report(path)
  }
  registerHooks({
    resolve(specifier, context, next) {
      try {
        const resolved = next(specifier, context)
        note(resolved.url)
        return resolved
      } catch (error) {
        // Not there yet. It will be, once the person has read the message.
        if (/^\.{0,2}\//.test(specifier)) note(new URL(specifier, context.parentURL).href)
        throw error
      }
    },
  })
  return () => Array.from(seen).slice(-3)
}
