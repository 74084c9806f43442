/** Makes lines of what comes in pieces. A line that does not end is cut, so that none grows forever. */
const lineCharsMax = 64 * 1024

export class LineSplitter {
  readonly #told: (line: string) => void
  #rest = ""

  constructor(told: (line: string) => void) {
    this.#told = told
  }

  add(piece: string): void {
    const lines = (this.#rest + piece).split("\n")
    this.#rest = lines.pop() ?? ""
    for (const line of lines) this.#tell(line)
    while (this.#rest.length > lineCharsMax) {
      this.#tell(this.#rest.slice(0, lineCharsMax))
      this.#rest = this.#rest.slice(lineCharsMax)
    }
  }

  /** Nothing more comes. */
  end(): void {
    this.#tell(this.#rest)
    this.#rest = ""
  }

  #tell(line: string): void {
    const text = line.replace(/\r$/, "")
    if (text !== "") this.#told(text)
  }
}

/** Tells the lines of a stream of text. One that breaks off has no more of them. */
export function followLines(
  stream: NodeJS.ReadableStream | null,
  told: (line: string) => void,
): void {
  const lines = new LineSplitter(told)
  stream?.setEncoding("utf8")
  stream?.on("data", (piece: string) => lines.add(piece))
  stream?.on("end", () => lines.end())
  stream?.on("error", () => {})
}
