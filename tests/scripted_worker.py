"""A grading process with a grader that does what a test asks: the text behind the thinking names the deed."""

import os
import signal
import sys
import time

from lighteval_r1.graders import GRADERS, Found, Grader
from lighteval_r1.records import Grade, Outcome
from lighteval_r1.sampling import grading_worker


def find(text: str, gold: str) -> Found:
    return Found(text, "scripted")


def judge(answer: str, where: str, gold: str) -> Grade:
    deed, _, rest = answer.partition(" ")
    if deed == "spin":
        while True:
            pass
    if deed == "sleep":
        time.sleep(float(rest))
    if deed == "raise":
        raise KeyError(rest)
    if deed == "deep":
        return judge(answer, where, gold)
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
        Outcome.CORRECT if gold == answer else Outcome.WRONG, said.get(deed, lambda: answer)()[:100_000], where
    )


SCRIPTED = Grader(
    name="scripted",
    find=find,
    judge=judge,
    shown_gold=str,
    label=str,
    candidates=None,
    limit_s=10.0,
    confined=False,
    answer_in_thinking=False,
    lettered=True,
)

if __name__ == "__main__":
    GRADERS[SCRIPTED.name] = SCRIPTED
    grading_worker.main(int(sys.argv[1]))
