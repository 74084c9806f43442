/** The TypeScript in the documentation type-checks and runs, importing `capstan` like anybody's code. */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { test } from "node:test"
import { promisify } from "node:util"
import { untestedEnv } from "../support/clean-env.ts"
import { documents, withOwnPackages } from "../support/documents.ts"
import { fences } from "../support/markdown.ts"
import { read, root } from "../support/repository.ts"
import { isTypeScript, snippetFolder, writeSnippet } from "../support/snippets.ts"

interface Verdict {
  readonly ok: boolean
  readonly output: string
}

function extract(folder: string, document: string, markdown: string): string[] {
  return fences(markdown)
    .filter(isTypeScript)
    .map((fence) => writeSnippet(folder, document, fence))
}

async function typeCheck(folder: string): Promise<Verdict> {
  const config = { extends: "../tsconfig.json", include: ["**/*.ts"] }
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config))
  return await verdict(`${root}node_modules/.bin/tsc`, ["-p", folder])
}

async function runAll(folder: string, modules: readonly string[]): Promise<Verdict> {
  const script = modules.map((module) => `await import(${JSON.stringify(module)})`).join("\n")
  writeFileSync(`${folder}/all.js`, script)
  return await verdict(process.execPath, [`${folder}/all.js`])
}

async function verdict(command: string, args: readonly string[]): Promise<Verdict> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, {
      cwd: root,
      env: untestedEnv(),
    })
    return { ok: true, output: stdout + stderr }
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    return { ok: false, output: stdout + stderr }
  }
}

const ours = documents.filter((document) => !withOwnPackages.includes(document))

test("every TypeScript snippet in the documentation type-checks and runs, and this guard fires", async () => {
  using folder = snippetFolder()
  const snippets = ours.flatMap((document) => extract(folder.path, document, read(document)))
  assert.ok(snippets.length > 5, `${snippets.length} snippets found`)
  // In the same breath, because the compiler reads all of the source for it.
  extract(folder.path, "bad.md", '```ts\n// bad.ts\nexport const n: number = "one"\n```')
  const [types, runs] = await Promise.all([typeCheck(folder.path), runAll(folder.path, snippets)])
  assert.match(types.output, /^\S*bad\.ts\S* error TS2322: [^\n]*\n?$/)
  assert.ok(runs.ok, runs.output)
})

test("a snippet that throws is found", async () => {
  using folder = snippetFolder()
  const badPath = 'import { operation } from "capstan"\noperation({ path: "/:id", run() {} })'
  const runs = await runAll(
    folder.path,
    extract(folder.path, "worse.md", `\`\`\`ts\n${badPath}\n\`\`\``),
  )
  assert.equal(runs.ok, false)
  assert.match(runs.output, /written with braces/)
})
