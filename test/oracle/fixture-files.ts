/**
 * Cases with the oracle's answers, as they are checked in: a case and its answer on a line each,
 * compressed by Brotli, which makes a thirtieth of them.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib"
import type { AnsweredCase, Kind } from "./oracle.ts"

export function readFixture(name: Kind): readonly AnsweredCase[] {
  const lines = brotliDecompressSync(readFileSync(fileOf(name)))
    .toString()
    .trimEnd()
    .split("\n")
  return Array.from({ length: lines.length / 2 }, (_, i) => ({
    asked: lines[2 * i]!,
    answer: lines[2 * i + 1]!,
  }))
}

/** How many bytes it takes. */
export function writeFixture(name: Kind, cases: readonly AnsweredCase[]): number {
  const text = cases.map(({ asked, answer }) => `${asked}\n${answer}\n`).join("")
  const compressed = brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  })
  writeFileSync(fileOf(name), compressed)
  return compressed.length
}

function fileOf(name: Kind): URL {
  return new URL(`../fixtures/autoscale/${name}.jsonl.br`, import.meta.url)
}
