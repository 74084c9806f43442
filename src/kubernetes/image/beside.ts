/**
 * What the code of a package says about files beside it. In a bundle that code lies elsewhere, and
 * looks for them in vain, so such a package has to come whole.
 *
 * It is read off the code, in the form that esbuild prints: without comments, with one kind of quotes,
 * and with the words that mean a place told apart from variables that have the same name. One sign too
 * many costs some bytes of the image, one too few a service that does not start: signs are wide.
 */
import { existsSync } from "node:fs"
import { dirname, extname, join } from "node:path"
import { build, transform } from "esbuild"
import { type Ast, childrenOf, parsed } from "./ast.ts"

/** What code says where it is with, and how these words are called once they have been told apart. */
const words = {
  "import.meta.url": "capstan_url",
  "import.meta.dirname": "capstan_dirname",
  "import.meta.filename": "capstan_filename",
  "import.meta.resolve": "capstan_resolve",
  __dirname: "capstan_dirname",
  __filename: "capstan_filename",
} as const

/** What may stand in a text without one of these has none of the signs below. */
const glance =
  /__dirname|__filename|import\.meta|createRequire|\brequire\s*[.(]|\bimport\s*\(|\bWorker\b|\bfork\b|\.wasm\b/

/** By ending; all else is JavaScript. */
const loaders = new Map<string, "ts" | "tsx" | "jsx">([
  [".ts", "ts"],
  [".mts", "ts"],
  [".cts", "ts"],
  [".tsx", "tsx"],
  [".jsx", "jsx"],
])

/**
 * The code of a module as esbuild prints it, on few lines, with the words for its place replaced.
 * @throws what esbuild throws, when it is not code.
 */
export async function plain(
  text: string,
  file: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code } = await transform(text, {
    ...printing,
    loader: loaders.get(extname(file)) ?? "js",
    define: { ...words, ...more },
    tsconfigRaw: strippingOnly,
  })
  return code
}

/**
 * The same of a module of the project, by its tsconfig.json where there is one: what decorators are,
 * and whether an import that only types need stays, is for that to say.
 */
export async function plainOwn(file: string): Promise<string> {
  const { outputFiles } = await build({
    ...printing,
    entryPoints: [file],
    define: words,
    write: false,
    ...(hasTsconfig(dirname(file)) ? {} : { tsconfigRaw: strippingOnly }),
  })
  return outputFiles[0]!.text
}

const printing = {
  target: "node24",
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "silent",
} as const

/** As Node strips types: an import stays, whether it is used or not. */
const strippingOnly = { compilerOptions: { verbatimModuleSyntax: true } }

function hasTsconfig(folder: string): boolean {
  if (existsSync(join(folder, "tsconfig.json"))) return true
  const above = dirname(folder)
  return above !== folder && hasTsconfig(above)
}

export interface Signs {
  /** What shows that the module reaches files beside it; undefined when nothing does. */
  readonly beside: string | undefined
  /** Whether it loads modules by names that it computes: which they are can't be told. */
  readonly computes: boolean
}

const noSigns: Signs = { beside: undefined, computes: false }

/** Each with what it is called when a person asks why. */
const signs: readonly (readonly [sign: RegExp, called: string])[] = [
  [/\bcapstan_dirname\b/, "__dirname"],
  [/\bcapstan_filename\b/, "__filename"],
  [/\bcapstan_url\b/, "import.meta.url"],
  [/\bcapstan_resolve\b/, "import.meta.resolve()"],
  [/\bcapstan_require\.resolve\b/, "require.resolve()"],
  [/\bcreateRequire\(/, "createRequire()"],
  // One that is given its code needs no file.
  [/\bnew (?:\w+\.)*Worker\((?![^;]{0,200}(?:\beval:(?:true|!0)|createObjectURL))/, "new Worker()"],
  [/\.wasm["'`]/, "a .wasm file"],
]

/**
 * Whether a module loads others by names that it computes and that no bundle can have: where such a
 * name begins with a folder, all that fits is bundled.
 */
export async function computesModules(text: string, file: string): Promise<boolean> {
  if (!/\b(?:import|require)\s*\(/.test(text)) return false
  const code = await plain(text, file, { require: "capstan_require" }).catch(() => "")
  return computed(code)?.some((name) => !/^["'`]\.{1,2}\//.test(name)) ?? false
}

/**
 * The code of the names that modules are loaded by, where it is anything but a text. Undefined when
 * that can't be read.
 */
function computed(code: string): readonly string[] | undefined {
  if (!/\b(?:capstan_require|import)\(/.test(code)) return []
  const tree = parsed(code)
  if (tree === undefined) return undefined
  const found: string[] = []
  // Not by recursion: what others have minified is deep.
  const all = [tree]
  for (const node of all) {
    const name = loadedBy(node)
    if (name !== undefined && !isText(name)) found.push(code.slice(name.start, name.end))
    all.push(...childrenOf(node))
  }
  return found
}

function loadedBy(node: Ast): Ast | undefined {
  if (node.type === "ImportExpression") return node.source as Ast
  const isRequire =
    node.type === "CallExpression" && (node.callee as Ast).name === "capstan_require"
  return isRequire ? (node.arguments as readonly Ast[])[0] : undefined
}

function isText(node: Ast): boolean {
  const isTemplate =
    node.type === "TemplateLiteral" && (node.expressions as readonly Ast[]).length === 0
  return isTemplate || (node.type === "Literal" && typeof node.value === "string")
}

/** Of a module of a package. What is not code has none. */
export async function signsIn(text: string, file: string): Promise<Signs> {
  if (!glance.test(text)) return noSigns
  const code = await plain(text, file, { require: "capstan_require" }).catch(() => undefined)
  if (code === undefined) return noSigns
  const isForking = code.includes("child_process") && /\bfork\(/.test(code)
  return {
    beside: signs.find(([sign]) => sign.test(code))?.[1] ?? (isForking ? "fork()" : undefined),
    computes: computed(code)?.length !== 0,
  }
}
