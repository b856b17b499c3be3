"""A grading process: `python -m lighteval_r1.sampling.grading_worker FD` answers each request with one line.

    in   {"grader": "expression", "where": "box", "n_content": 1, "gold_id": "…", "n_gold": 3} and a line end, then the
         bytes of the content, then those of the gold. The content is the answer that stood there, or, where "where" is
         null, the text that it is to be found in; n_gold is null where the process still has that gold
    out  {"outcome": "correct", "answer": "7", "step": "…", "grown": false}   or   {"error": "…"}, and then it ends

What needs more memory or depth than a process has here is undecided, like what needs more time. Any other exception
ends the process with an error, never a grade. The process also ends with the thread that started it. The first line
out is `{}`: ready.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from functools import lru_cache
from typing import BinaryIO

from lighteval_r1.graders import GRADERS, Found
from lighteval_r1.records import Grade, Outcome
from lighteval_r1.sampling.grading_messages import LatestGolds, from_bytes

# Address space, of which libraries reserve more than they use; the hard limit stays, for programs set their own.
MEMORY_LIMIT_BYTES = 2 * 2**30
PAGE_KIB = resource.getpagesize() // 1024
# sympy keeps what it computed: past this size a process asks to be replaced.
GROWN_KIB = 320 * 1024
PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h


def answer(line: bytes, stream: BinaryIO, golds: LatestGolds) -> dict:
    """The answer to one request, whose header is the line."""
    request = json.loads(line)
    content = from_bytes(stream.read(request["n_content"]))
    gold = golds.get(request["gold_id"])
    if request["n_gold"] is not None:
        gold = from_bytes(stream.read(request["n_gold"]))
        golds.add(request["gold_id"], n_bytes=request["n_gold"], gold=gold)
    try:
        grader = GRADERS[request["grader"]]
        found = grader.found(content, gold) if request["where"] is None else Found(content, request["where"])
        grade = grader.grade_found(found, gold)
    except (MemoryError, RecursionError) as limit:
        grade = Grade(Outcome.UNDECIDED, "", f"stopped by its limit ({type(limit).__name__})")
    grown = resident_kib() > GROWN_KIB
    return {"outcome": grade.outcome, "answer": grade.answer, "step": grade.step, "grown": grown}


def resident_kib() -> int:
    """Memory that this process holds now. Not ru_maxrss: a child begins with that of the process it was forked from."""
    return int(os.pread(statm(), 100, 0).split()[1]) * PAGE_KIB


@lru_cache(maxsize=1)
def statm() -> int:
    """Kept open: to open it each time was a quarter of what it took to hand over an answer and its grade."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def main(fd: int) -> None:
    """Serves the connection with that file descriptor until the other end closes it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = MEMORY_LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(hard, MEMORY_LIMIT_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    golds = LatestGolds()
    with socket.socket(fileno=fd) as connection, connection.makefile("rwb") as stream:

        def send(message: dict) -> None:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

        send({})
        for line in stream:
            try:
                message = answer(line, stream, golds)
            finally:
                # Not caught, only told: the exception then ends the process.
                if (error := sys.exception()) is not None:
                    send({"error": f"{type(error).__name__}: {error}"})
            send(message)


if __name__ == "__main__":
    # whoever owns it may have been killed before this process was ready to end with it
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        main(int(sys.argv[1]))
