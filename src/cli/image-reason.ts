/** What to do about a bundle that does not start, read off what it said. */
const reasons: readonly (readonly [
  said: RegExp,
  advice: (...parts: readonly string[]) => string,
])[] = [
  [
    /Cannot find (?:package|module) '([^'./][^']*)'/,
    (name = "") =>
      `The package ${name} is not in the image: it is loaded by a name that can't be read off the code. Import it in your code, as in  import "${name}"`,
  ],
  [
    /ENOENT[^\n]{0,400}'(?:app\/(?:project\/)?)?((?!\/|app\/|node_modules\/)[^']+)'/,
    (path = "") =>
      `${path} is not in the image. If it is a file of the project, name it: image.files in capstan.config.ts, or --files. If a package looks for it beside its code, bring that package whole: --external NAME`,
  ],
  [
    /: (?:app\/(?:project\/)?)?(\S+) does not exist\. Correct the example/,
    (path = "") =>
      `${path} is not in the image. Name it: image.files in capstan.config.ts, or --files; or reach it by its name, as in  new URL("./example.png", import.meta.url)`,
  ],
  [
    /Cannot find module 'app\/([^']+)'/,
    (path = "") =>
      `${path} is not in the image. If a package looks for it beside its code, bring that package whole: --external NAME`,
  ],
]

const otherwise =
  "If it needs what only the cluster has, a database or a secret, --no-check builds the image without starting it."

/**
 * The advice, one sentence a line.
 * @param lacks what it was started without and has where it is deployed, in sentences.
 */
export function reasonIn(said: string, lacks: readonly string[]): readonly string[] {
  const found = reasons.flatMap(([pattern, advice]) => {
    const match = pattern.exec(said)
    return match === null ? [] : [advice(...match.slice(1))]
  })
  return [...found.slice(0, 1), ...lacks, otherwise]
}
