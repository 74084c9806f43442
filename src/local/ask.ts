/** Asks a management port. A connection for each question: a kept one may just be closing. */
import { http } from "../core/http/builtin.ts"

export interface Told {
  readonly status: number
  readonly text: string
}

/** Longer than any answer of a management port. */
const textCharsMax = 4 * 1024 * 1024

/** `undefined` when there is no whole answer within `timeoutMs`. */
export function ask(url: URL, timeoutMs: number): Promise<Told | undefined> {
  const { promise, resolve } = Promise.withResolvers<Told | undefined>()
  const signal = AbortSignal.timeout(timeoutMs)
  const request = http.get(url, { agent: false, signal }, (response) => {
    let text = ""
    response.setEncoding("utf8")
    response.on("data", (piece: string) => {
      text += piece
      if (text.length > textCharsMax) response.destroy()
    })
    response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
    response.on("close", () => resolve(undefined))
    response.on("error", () => resolve(undefined))
  })
  request.on("error", () => resolve(undefined))
  return promise
}
