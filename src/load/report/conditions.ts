/** What the run was made with: figures mean little without. */
import { readFile } from "node:fs/promises"
import { availableParallelism, cpus, release, type } from "node:os"

/** By name, in words. Of this process and machine, which sent the load. */
export async function conditions(): Promise<Readonly<Record<string, string>>> {
  const model = cpus()[0]?.model.trim()
  const { version } = JSON.parse(
    await readFile(new URL("../../../package.json", import.meta.url), "utf8"),
  )
  return {
    "Generator's machine": `${availableParallelism()} CPUs${model ? `, ${model}` : ""}, ${type()} ${release()}, ${process.arch}`,
    "Generator's software": `Capstan ${version}, Node ${process.version}`,
  }
}
