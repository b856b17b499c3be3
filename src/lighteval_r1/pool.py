"""Graders in kept child processes: a reply that hangs one costs that reply its verdict, and no other anything.

Each child belongs to a thread that sends it one reply at a time. Past its limit a child is killed with all it started and
replaced, and the reply is undecided. A child that dies otherwise is replaced and the reply tried once more, since another
hand may have killed it; if it dies again the reply has no grade (GraderDied) and the run says so.
Children start with a clean environment: no token, no key of the user is in them.
"""

import asyncio
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from lighteval_r1.grading_worker import LatestGolds
from lighteval_r1.records import Grade, GraderDied, Outcome, sha256

# Source: LightEval and math-verify give an expression 5 s to parse and 5 s to compare.
LIMIT_S = 10.0
# A program is limited per test, by its grader. This only ends a grader that is itself stuck.
PROGRAM_LIMIT_S = 1800.0
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LIGHTEVAL_R1_UNSAFE_CODE")

Item = tuple[str, str, str, bool]  # grader, reply, gold, thinking_opened


class Child:
    """One grading process and the connection to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lighteval_r1.grading_worker", str(theirs.fileno())],
                env={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.socket = ours
        self.stream = ours.makefile("rwb")
        self.golds = LatestGolds()

    def ask(self, item: Item, *, gold_id: str, limit_s: float) -> dict:
        """The child's answer. Raises TimeoutError past the limit, ConnectionError where the child is gone."""
        grader, reply, gold, thinking_opened = item
        request = {"grader": grader, "reply": reply, "thinking_opened": thinking_opened, "gold_id": gold_id}
        if self.golds.known(gold_id):
            self.golds.use(gold_id)
        else:
            request["gold"] = self.golds.use(gold_id, gold)
        self.socket.settimeout(limit_s)
        self.stream.write(json.dumps(request).encode() + b"\n")
        self.stream.flush()
        line = self.stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError(f"the grading process ended (exit code {self.process.poll()})")
        return json.loads(line)

    def end(self) -> None:
        """Kills the process and all that it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.socket.close()


class Pool:
    """workers: processes, one per core where None. limit_s: for expressions and choices.

    Use as a context manager; grade() inside an event loop, grade_many() outside.
    """

    def __init__(self, workers: int | None = None, *, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s
        self._items: queue.SimpleQueue[tuple[Item, Future] | None] = queue.SimpleQueue()
        n = workers or len(os.sched_getaffinity(0))
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(n)]
        self._closing = threading.Event()
        self._children: set[Child] = set()
        self._started = False

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, item: Item) -> Future:
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        future: Future = Future()
        self._items.put((item, future))
        return future

    async def grade(self, grader: str, reply: str, gold: str, *, thinking_opened: bool) -> Grade:
        """The reply's grade; undecided past the limit. Raises GraderDied where there is none."""
        return await asyncio.wrap_future(self.submit((grader, reply, gold, thinking_opened)))

    def grade_many(
        self, items: Iterable[Item], *, progress: Callable[[], None] | None = None
    ) -> list[Grade | GraderDied]:
        """One grade per item, in order; the exception where there is none. progress: called after each."""
        grades: list[Grade | GraderDied] = []
        for future in [self.submit(item) for item in items]:
            error = future.exception()
            if error is not None and not isinstance(error, GraderDied):
                raise error
            grades.append(error or future.result())
            if progress is not None:
                progress()
        return grades

    def close(self) -> None:
        """Ends all children; what is still waiting gets no grade."""
        self._closing.set()
        for child in list(self._children):
            child.end()
        for _ in self._threads:
            self._items.put(None)
        if self._started:
            for thread in self._threads:
                thread.join()

    def _serve(self) -> None:
        # The thread that starts a child must outlive it: the kernel's parent-death signal follows the thread.
        child: Child | None = None
        while (entry := self._items.get()) is not None:
            item, future = entry
            if self._closing.is_set() or not future.set_running_or_notify_cancel():
                continue
            try:
                child, grade = self._grade(child, item)
            except Exception as error:  # noqa: BLE001  carried to whoever waits for the grade
                child = None
                future.set_exception(error)
            else:
                future.set_result(grade)
        if child is not None:
            child.end()

    def _grade(self, child: Child | None, item: Item) -> tuple[Child | None, Grade]:
        gold_id = sha256(item[2])[:16]
        limit_s = PROGRAM_LIMIT_S if item[0] == "program" else self.limit_s
        for last in (False, True):
            if child is None:
                child = Child()
                self._children.add(child)
            try:
                answer = child.ask(item, gold_id=gold_id, limit_s=limit_s)
            except TimeoutError:
                self._discard(child)
                return None, Grade(Outcome.UNDECIDED, "", f"the grader was stopped after {limit_s:.0f} s")
            except (ConnectionError, ValueError) as error:
                self._discard(child)
                child = None
                if last or self._closing.is_set():
                    raise GraderDied(str(error)) from None
                continue
            if "error" in answer:
                self._discard(child)
                raise GraderDied(answer["error"])
            return child, Grade(Outcome(answer["outcome"]), answer["answer"], answer["step"])
        raise AssertionError("the loop returns or raises")

    def _discard(self, child: Child) -> None:
        self._children.discard(child)
        child.end()
