/** Links within the documentation lead somewhere. */
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { posix } from "node:path"
import { test } from "node:test"
import { documents } from "../support/documents.ts"
import { anchors, links } from "../support/markdown.ts"
import { read, root } from "../support/repository.ts"

/** The links of a document that lead nowhere. */
function broken(
  document: string,
  markdown: string,
  exists: (file: string) => boolean,
  contents: (file: string) => string,
): string[] {
  return links(markdown)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = "", anchor] = link.split("#")
      const file = path === "" ? document : posix.join(posix.dirname(document), path)
      if (!exists(file)) return true
      if (anchor === undefined || !file.endsWith(".md")) return false
      return !anchors(path === "" ? markdown : contents(file)).has(anchor)
    })
    .map((link) => `${document}: ${link}`)
}

test("every link in the documentation leads to a file and a heading that exist", () => {
  assert.ok(documents.length >= 5, documents.join())
  assert.deepEqual(
    documents.flatMap((document) =>
      broken(document, read(document), (file) => existsSync(root + file), read),
    ),
    [],
  )
})

test("this guard fires", () => {
  const there: Record<string, string> = {
    "docs/a.md": "# Some *words* & `code`\n## Same\n## Same\n",
  }
  const check = (markdown: string, expected: string[]) =>
    assert.deepEqual(
      broken(
        "docs/b.md",
        markdown,
        (file) => file in there || file === "docs/b.md",
        (file) => there[file] ?? "",
      ),
      expected,
    )
  check("[a](a.md) [b](./a.md#same-1) [c](a.md#some-words--code) [d](https://example.com)", [])
  check("[a](c.md)", ["docs/b.md: c.md"])
  check("[a](../a.md)", ["docs/b.md: ../a.md"])
  check("![a](images/a.png)", ["docs/b.md: images/a.png"])
  check('<img src="images/a.png">', ["docs/b.md: images/a.png"])
  check("[a](a.md#same-2)", ["docs/b.md: a.md#same-2"])
  check("# Here\n[a](#here) [b](#there)", ["docs/b.md: #there"])
  check("```sh\n[a](c.md)\n```", [])
})
