/**
 * Keeps what listens for a request among the young.
 *
 * An emitter with two listeners for an event keeps them in an array, made in one line of node:events
 * for all emitters. V8 watches what becomes of the first ones, and decides once. The first are those of
 * connections, which live long. So it may decide that all of them do, and makes where the old live not
 * just those arrays but also any function that the same piece of compiled code might put into one:
 * node:http's own listener of each response, for one, which holds the request. Nothing of that is freed
 * before the next full collection: young collections of 7 ms instead of 0.5, and half as much CPU again
 * for a request. It depends on chance which processes this befalls, and it stays so.
 *
 * So V8 gets to see some that die at once before any others. What it finds then is what it goes by.
 */
import { EventEmitter } from "node:events"

/** It decides when it has seen a hundred live, and takes them for old from 85 in 100 on. */
const count = 1000
const oneInLives = 8

const alive: EventEmitter[] = []

/** To be called before a server listens; does something once in a process. */
export function keepListenersYoung(): void {
  if (alive.length > 0) return
  for (let at = 0; at < count; at++) {
    const emitter = new EventEmitter().on("any", listener).on("any", listener)
    if (at % oneInLives === 0) alive.push(emitter)
  }
}

function listener(): void {}
