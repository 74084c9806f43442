/**
 * How much memory V8 gives to what dies young. It begins with a few MiB and doubles that whenever
 * enough of it happens to live through a collection, up to 64 MiB within the first minutes: to whoever
 * watches a long load test, that is a leak. What a generator makes for a request is dead when the
 * answer has been read, and it sends no more with 64 MiB than with 8 (`npm run bench -- load load-memory`).
 */
import { setFlagsFromString } from "node:v8"

/**
 * It stays as it is from now on; in threads that start later it is 8 MiB, two halves of 4.
 *
 * V8 looks at these two whenever it would let it grow and whenever it makes a heap, so they can be set
 * late, unlike an upper bound, which is read once when the process starts.
 */
export function keepNurserySize(): void {
  setFlagsFromString("--min-semi-space-size=4")
  setFlagsFromString("--semi-space-growth-factor=1")
}
