/**
 * What others answer, as it comes, and no more of it than is allowed.
 * @param tooMuch is thrown where there is more.
 */
export async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
  tooMuch: () => Error,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) throw tooMuch()
    yield chunk
  }
}
