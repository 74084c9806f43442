"""The work of bench/work.ts in Python, and the counting of bench/begun.ts.

`spin` is not the same computation as in JavaScript: it is calibrated to the same CPU time.
"""

import os
import struct
import threading
import time


def hello(n: int) -> dict:
    started = time.perf_counter()
    factor = largest_prime_factor(n)
    elapsed = time.perf_counter() - started
    return {
        "message1": "Hello, world!",
        "message2": f"The largest prime factor of {n} is {factor}. "
        f"I've calculated this in {elapsed:.3f} seconds.",
        "n": n,
        "largest_prime_factor": factor,
        "elapsed_time": elapsed,
    }


def largest_prime_factor(n: int) -> int:
    """Naive on purpose: divides by every i while i <= n / i."""
    largest = 1
    i = 2
    while i <= n // i:
        while n > i and n % i == 0:
            n //= i
            largest = i
        i += 1
    return max(largest, n) if n > 1 else largest


def spin(iterations: int) -> int:
    state = 1
    for _ in range(iterations):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    return state


_directory = os.environ.get("BENCH_BEGUN_DIR")
_thread = threading.local()


def begin() -> None:
    """To be called where the computing begins."""
    if _directory is None:
        return
    if not hasattr(_thread, "file"):
        path = os.path.join(_directory, f"{os.getpid()}-{threading.get_native_id()}")
        _thread.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        _thread.count = 0.0
    _thread.count += 1.0
    os.pwrite(_thread.file, struct.pack("<d", _thread.count), 0)
