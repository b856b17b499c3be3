"""A grading process: `python -m lighteval_r1.grading_worker FD` reads one request a line and answers one grade a line.

    in   {"grader": "expression", "reply": "…", "thinking_opened": true, "gold_id": "…", "gold": "…" (where not known)}
    out  {"outcome": "correct", "answer": "7", "step": "…"}   or   {"error": "…"}

What needs more memory or depth than a process has here is undecided, like what needs more time. Any other exception is an
error, never a verdict. The process ends with the thread that started it.
"""

import ctypes
import json
import resource
import signal
import socket
import sys
from collections import OrderedDict

from lighteval_r1.graders import GRADERS
from lighteval_r1.records import Grade, Outcome

# Golds of programs are megabytes of tests: each process keeps the latest few, so that they travel once.
KNOWN_GOLDS = 8
MEMORY_LIMIT_BYTES = 3 * 2**30
PR_SET_PDEATHSIG = 1


class LatestGolds:
    """The same rule on both ends of the pipe decides which golds the other end still has."""

    def __init__(self) -> None:
        self._golds: OrderedDict[str, str] = OrderedDict()

    def known(self, gold_id: str) -> bool:
        return gold_id in self._golds

    def use(self, gold_id: str, gold: str | None = None) -> str:
        if gold is not None:
            self._golds[gold_id] = gold
            while len(self._golds) > KNOWN_GOLDS:
                self._golds.popitem(last=False)
        else:
            self._golds.move_to_end(gold_id)
        return self._golds[gold_id]


def answer(request: dict, golds: LatestGolds) -> dict:
    gold = golds.use(request["gold_id"], request.get("gold"))
    try:
        grade = GRADERS[request["grader"]](request["reply"], gold, thinking_opened=request["thinking_opened"])
    except (MemoryError, RecursionError) as limit:
        grade = Grade(Outcome.UNDECIDED, "", f"stopped by its limit ({type(limit).__name__})")
    except Exception as error:  # noqa: BLE001  the border of the process: any error is reported, none becomes a grade
        return {"error": f"{type(error).__name__}: {error}"}
    return {"outcome": grade.outcome, "answer": grade.answer, "step": grade.step}


def main(fd: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    golds = LatestGolds()
    with socket.socket(fileno=fd) as connection, connection.makefile("rwb") as stream:
        for line in stream:
            stream.write(json.dumps(answer(json.loads(line), golds)).encode() + b"\n")
            stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
