"""A grading process whose graders do what a test asks; the reply names the deed."""

import os
import signal
import sys
import time

from lighteval_r1.graders import GRADERS
from lighteval_r1.records import Grade, Outcome
from lighteval_r1.sampling import grading_worker


def grade(reply: str, gold: str, *, thinking_opened: bool = False) -> Grade:
    deed, _, rest = reply.partition(" ")
    if deed == "spin":
        while True:
            pass
    if deed == "sleep":
        time.sleep(float(rest))
    if deed == "raise":
        raise KeyError(rest)
    if deed == "deep":
        return grade(reply, gold)
    if deed == "big":
        bytearray(1 << 40)
    if deed == "exit":
        os._exit(3)
    if deed == "once" and not os.path.exists(rest):
        open(rest, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "count":
        with open(rest.split()[0], "a") as file:
            file.write("x")
    said = {
        "environment": lambda: repr(dict(os.environ)),
        "modules": lambda: " ".join(sys.modules),
        "pid": lambda: str(os.getpid()),
    }
    return Grade(
        Outcome.CORRECT if gold == reply else Outcome.WRONG, said.get(deed, lambda: reply)()[:100_000], "scripted"
    )


GRADERS["choice"] = grade

if __name__ == "__main__":
    grading_worker.main(int(sys.argv[1]))
