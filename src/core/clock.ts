/** Time as a parameter, so that every decision can be tried on simulated time. */

/** Milliseconds on a clock that never goes back, like `performance.now()`. */
export type Clock = () => number

export const monotonicClock: Clock = () => performance.now()
