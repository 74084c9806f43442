/**
 * Rows for scenarios: people to log in as, things to ask for. They are read when the scenario is,
 * once a thread, and handed out by `user.next(rows)`; which row comes next is the run's to know, so
 * that two runs of one scenario know nothing of each other.
 */
import { readFile } from "node:fs/promises"
import { parse } from "csv-parse/sync"
import { LoadError } from "../error.ts"

const brand: unique symbol = Symbol.for("capstan.load.rows") as never

/**
 * Which row a user gets.
 * - `in-turn`: one after the other, whoever asks; after the last the first again.
 * - `random`: any.
 * - `one-per-user`: each user one of its own, always the same, that no other gets. Asking throws
 *   when there are more users than rows.
 */
export type Pick = "in-turn" | "random" | "one-per-user"

export interface Rows<Row> {
  readonly [brand]: true
  readonly rows: readonly Row[]
  readonly pick: Pick
  /** What they are called in messages: their file. */
  readonly name: string
}

export interface RowsOptions<From, Row> {
  /** @default "in-turn" */
  readonly pick?: Pick
  /** Makes a row of what the file has, or throws when it is none. Of CSV, everything is a text. */
  readonly row?: (from: From, index: number) => Row
}

/**
 * Reads a CSV file whose first line has the columns' names.
 * @throws {LoadError} when it can't be read, is no CSV, or has no rows.
 */
export async function csv<Row = Readonly<Record<string, string>>>(
  file: URL | string,
  options: RowsOptions<Readonly<Record<string, string>>, Row> = {},
): Promise<Rows<Row>> {
  const text = await textOf(file)
  let records: Record<string, string>[]
  try {
    records = parse(text, { columns: true, bom: true, skip_empty_lines: true, trim: true })
  } catch (error) {
    throw new LoadError(`${file} is not CSV: ${(error as Error).message}`, { cause: error })
  }
  return made(records, options, String(file))
}

/**
 * Reads a JSON file that is a list.
 * @throws {LoadError} when it can't be read, is no list in JSON, or is empty.
 */
export async function json<Row = unknown>(
  file: URL | string,
  options: RowsOptions<unknown, Row> = {},
): Promise<Rows<Row>> {
  const text = await textOf(file)
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    throw new LoadError(`${file} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!Array.isArray(list)) throw new LoadError(`${file} has to be a list, [ … ], of rows.`)
  return made(list, options, String(file))
}

/**
 * Rows that are at hand.
 * @throws {LoadError} when there are none.
 */
export function rows<Row>(list: readonly Row[], options: { readonly pick?: Pick } = {}): Rows<Row> {
  return made(list, options, "rows()")
}

function made<From, Row>(
  list: readonly From[],
  { pick = "in-turn", row }: RowsOptions<From, Row>,
  name: string,
): Rows<Row> {
  if (list.length === 0) throw new LoadError(`${name} has no rows.`)
  if (!["in-turn", "random", "one-per-user"].includes(pick)) {
    throw new LoadError(
      `${name}: pick is ${JSON.stringify(pick)}; it must be in-turn, random or one-per-user.`,
    )
  }
  const read = list.map((from, index) => {
    if (row === undefined) return from as unknown as Row
    try {
      return row(from, index)
    } catch (error) {
      throw new LoadError(`${name}, row ${index + 1}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  })
  return { [brand]: true, rows: read, pick, name }
}

async function textOf(file: URL | string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new LoadError(`${file} can't be read (${code ?? message}).`, { cause: error })
  }
}
