"""Prints how many iterations of work.spin take the CPU milliseconds given, with every core busy."""

import multiprocessing
import statistics
import sys
import time

import work


def iterations_for(target_ms: float) -> int:
    iterations = 10_000
    measured = []
    for _ in range(25):
        before = time.thread_time_ns()
        work.spin(iterations)
        spent_ms = (time.thread_time_ns() - before) / 1e6
        measured.append(iterations / spent_ms)
        iterations = max(1, round(target_ms * measured[-1]))
    return round(target_ms * statistics.median(measured[5:]))


if __name__ == "__main__":
    target = float(sys.argv[1])
    with multiprocessing.Pool(2) as pool:
        print(round(statistics.mean(pool.map(iterations_for, [target, target], chunksize=1))))
