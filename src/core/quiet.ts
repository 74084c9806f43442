/**
 * Waits for what the system has ready and the event loop has not fetched yet.
 *
 * The end of listening resets the connections that the system holds and nobody has accepted, with the
 * requests that were sent on them. libuv accepts one connection in each turn of the event loop, so
 * whoever wants to lose none takes turns before, until none comes.
 */
import { setImmediate } from "node:timers/promises"

/** So many turns without anything, and nothing is taken to be there. */
const quietTurnsMin = 3

/** So many turns it has, even if the process stood still and its time is up. */
const turnsMin = 1_000

/**
 * Resolves when `count` stays the same for some turns of the event loop, or after `msMax` and a
 * thousand turns.
 * @param count of what has come so far; it only grows.
 */
export async function untilQuiet(count: () => number, msMax: number): Promise<void> {
  const endsAtMs = performance.now() + msMax
  let quietTurns = 0
  for (
    let turn = 0;
    quietTurns < quietTurnsMin && (turn < turnsMin || performance.now() < endsAtMs);
    turn += 1
  ) {
    const before = count()
    await setImmediate()
    quietTurns = count() === before ? quietTurns + 1 : 0
  }
}
