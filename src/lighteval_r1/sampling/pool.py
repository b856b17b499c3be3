"""Graders in kept child processes: a reply that hangs one costs that reply its verdict, and no other anything.

The answer is found here and judged in a child, which belongs to a thread that sends it one at a time. Past the
grader's limit a child is killed with all it started and replaced, and the reply is undecided. A child that dies
otherwise is replaced and the reply tried once more in a fresh one, since another hand may have killed it; if that dies
too, the reply has no grade (GraderDied). Equal pairs of an answer and its gold are judged once. Children start with a
clean environment: no token or key of the user is in them.
"""

import asyncio
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import lru_cache

from lighteval_r1.confined.processes import descendants, give_way, thread_states
from lighteval_r1.graders import Found, Grader
from lighteval_r1.graders.answers import AnswerText, NoAnswer
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import one_line
from lighteval_r1.records import Grade, GraderDied, Outcome, sha256
from lighteval_r1.sampling.grading_messages import LatestGolds, to_bytes

# A grader's limit is one of CPU time, so that a busy machine does not change a grade; a child that waits for something
# other than a core is stopped after this many times the limit.
PATIENCE = 12
START_LIMIT_S = 120.0
FIRST_LOOK_S = 0.05
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", variables.UNSAFE_CODE.name)
# A thread pool in a numerical library is memory and start-up time here, nothing else.
SET_VARIABLES = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Texts up to this length are searched for their answer here, to know equal pairs; longer ones are rare, and searched by
# the child.
SEARCHED_LENGTH = 20_000
KEPT_PAIRS = 100_000
CPU_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

Item = tuple[Grader, AnswerText | str | None, str]  # grader, what it sees of a reply (see Grader.found), gold


@lru_cache(maxsize=512)
def gold_id(gold: str) -> str:
    return sha256(gold)[:16]


class Child:
    """One grading process and the connection to it. Raises ConnectionError where it does not start."""

    def __init__(self, module: str, *, gives_way: bool = False) -> None:
        self.socket, theirs = socket.socketpair()
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        with theirs:
            self.process = subprocess.Popen(
                # -P: a json.py in the user's folder is not ours.
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                env=kept | SET_VARIABLES,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        if gives_way:
            give_way(self.process.pid)
        self.stream = self.socket.makefile("rwb")
        self.golds = LatestGolds()
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)
        self._ready = False

    def ask(self, item: Item, found: Found | None) -> dict:
        """The child's answer. Raises TimeoutError past the limit, ConnectionError where the child is gone."""
        if not self._ready:
            self._read(limit_s=START_LIMIT_S)
            self._ready = True
        grader, text, gold = item
        content, key = to_bytes((text_of(text) or "") if found is None else found.answer), gold_id(gold)
        packed = None if self.golds.get(key) is not None else to_bytes(gold)
        if packed is not None:
            self.golds.add(key, n_bytes=len(packed))
        header = {
            "grader": grader.name,
            "where": None if found is None else found.where,
            "n_content": len(content),
            "gold_id": key,
            "n_gold": None if packed is None else len(packed),
        }
        self.stream.write(json.dumps(header).encode() + b"\n" + content + (packed or b""))
        self.stream.flush()
        return self._read(limit_s=grader.limit_s)

    def _read(self, *, limit_s: float) -> dict:
        # Most answers are there at once, before what the process has used is worth a look.
        if self._poll.poll(1000 * min(FIRST_LOOK_S, limit_s)):
            return self._answer()
        begin, left = time.monotonic(), limit_s
        _, used = self._state()
        while not self._poll.poll(1000 * left):
            runs, cpu_s = self._state()
            if runs:
                begin = time.monotonic()
            left = limit_s - (cpu_s - used)
            if left < 0.05 * limit_s or time.monotonic() - begin > PATIENCE * limit_s:
                raise TimeoutError
        return self._answer()

    def _answer(self) -> dict:
        line = self.stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the connection to it was closed")
        return json.loads(line)

    def _state(self) -> tuple[bool, float]:
        """Whether it, or a program that it runs, computes or waits for a core; its own CPU seconds."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        runs = any("R" in thread_states(pid) for pid in descendants(self.process.pid))
        return runs, (int(fields[11]) + int(fields[12])) / CPU_TICKS_PER_S

    def end(self) -> int:
        """Kills the process and all that it started; its exit code, negative for a signal."""
        if self.process.returncode is None:
            # The group first: once the process is waited for, its number may be another's.
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def exit_code(self) -> int:
        """How a process whose connection is closed ended, having had a second to do so by itself."""
        for _ in range(100):
            if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.01)
        return self.end()


class Pool:
    """workers: processes, one per core where None. module: what they run.

    gives_way: the processes run only where a core is idle, so that they do not hold up an engine on the same cores.
    Use as a context manager; grade() inside an event loop, grade_many() outside.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        gives_way: bool = False,
        module: str = "lighteval_r1.sampling.grading_worker",
    ) -> None:
        self.gives_way = gives_way
        self._module = module
        self._items: queue.SimpleQueue[tuple[Item, Future] | None] = queue.SimpleQueue()
        n = workers or len(os.sched_getaffinity(0))
        self._threads = [threading.Thread(target=self._serve, daemon=True, name=f"grading-{i}") for i in range(n)]
        self._resting = list(self._threads)
        self._closing = False
        self._lock = threading.Lock()
        self._children: set[Child] = set()
        self._pairs: OrderedDict[tuple, Future] = OrderedDict()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Of the grading processes that run now."""
        with self._lock:
            return [child.process.pid for child in self._children]

    def start(self) -> None:
        """Starts the processes now, not with the first replies, each of which starts one as long as there are fewer."""
        while self._resting:
            self._start_thread()

    def _start_thread(self) -> None:
        with self._lock:
            if self._resting:
                self._resting.pop().start()

    def submit(self, item: Item) -> Future:
        """A Future of the item's Grade. Returns at once, whatever the text."""
        self._start_thread()
        future: Future = Future()
        self._items.put((item, future))
        return future

    async def grade(self, grader: Grader, text: AnswerText | str | None, gold: str) -> Grade:
        """The grade of what the grader sees of a reply; undecided past the limit.

        Raises GraderDied where there is none.
        """
        return await asyncio.wrap_future(self.submit((grader, text, gold)))

    def grade_many(
        self, items: Iterable[Item], *, progress: Callable[[], None] | None = None
    ) -> list[Grade | GraderDied]:
        """One grade per item, in order; the exception where there is none. progress: called after each."""
        grades: list[Grade | GraderDied] = []
        for future in [self.submit(item) for item in items]:
            try:
                grades.append(future.result())
            except GraderDied as died:
                grades.append(died)
            if progress is not None:
                progress()
        return grades

    def close(self) -> None:
        """Ends all children; what is still waiting gets no grade."""
        with self._lock:
            self._closing = True
            for child in self._children:
                # Its thread sees the connection close and waits for the process.
                os.kill(child.process.pid, signal.SIGKILL)
        for _ in self._threads:
            self._items.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _serve(self) -> None:
        # The thread that starts a child must outlive it: the kernel's parent-death signal follows the thread.
        child: Child | None = None
        try:
            child = self._start_early()
            while (entry := self._items.get()) is not None:
                item, future = entry
                if not future.set_running_or_notify_cancel():
                    continue
                found = found_here(item)
                pair = pair_of(item, found)
                if pair is not None and self._follows(pair, future):
                    continue
                try:
                    child, grade = self._grade(child, item, found)
                except GraderDied as died:
                    child = None
                    if pair is not None:
                        with self._lock:
                            self._pairs.pop(pair, None)
                    future.set_exception(died)
                else:
                    future.set_result(grade)
        finally:
            if child is not None:
                self._discard(child)

    def _start_early(self) -> Child | None:
        """A child before there is work for it; where that fails, the first reply tries again and says why."""
        try:
            return self._start()
        except OSError:
            return None

    def _follows(self, pair: tuple, future: Future) -> bool:
        """Whether an equal pair was or is being compared; then the future gets its grade, else it is the first."""
        with self._lock:
            first = self._pairs.setdefault(pair, future)
            if len(self._pairs) > KEPT_PAIRS:
                self._pairs.popitem(last=False)
        if first is future:
            return False
        first.add_done_callback(lambda done: copy_outcome(done, future))
        return True

    def _grade(self, child: Child | None, item: Item, found: Found | None) -> tuple[Child | None, Grade]:
        try:
            for attempt in (1, 2):
                child = child or self._start()
                try:
                    answer = child.ask(item, found)
                except TimeoutError:
                    self._discard(child)
                    return None, Grade(Outcome.UNDECIDED, "", f"the grader was stopped after {item[0].limit_s:g} s")
                except (OSError, ValueError):
                    code = self._discard(child, waiting=True)
                    child = None
                    if attempt == 2 or self._closing:
                        raise GraderDied(f"the grading process ended (exit code {code}) {attempt} times") from None
                    continue
                break
        except OSError as error:
            raise GraderDied(f"no grading process could be started: {error}") from None
        if "error" in answer or answer["grown"]:
            self._discard(child)
            child = None
        if "error" in answer:
            raise GraderDied(one_line(answer["error"]))
        outcome, step = Outcome(answer["outcome"]), answer["step"]
        if found is None and outcome is Outcome.NO_ANSWER and isinstance(item[1], AnswerText):
            # The child saw the text alone.
            step = f"{item[1].reason}{step.removeprefix(NoAnswer.NOTHING)}"
        return child, Grade(outcome, answer["answer"], one_line(step))

    def _start(self) -> Child:
        with self._lock:
            if self._closing:
                raise GraderDied("the pool was closed")
            child = Child(self._module, gives_way=self.gives_way)
            self._children.add(child)
            return child

    def _discard(self, child: Child, *, waiting: bool = False) -> int:
        with self._lock:
            self._children.discard(child)
        code = child.exit_code() if waiting else child.end()
        child.socket.close()
        return code


def text_of(seen: AnswerText | str | None) -> str | None:
    return seen.text if isinstance(seen, AnswerText) else seen


def found_here(item: Item) -> Found | None:
    """What stands as the answer; None where that is for the child to find."""
    grader, text, gold = item
    if len(text_of(text) or "") > SEARCHED_LENGTH:
        return None
    try:
        return grader.found(text, gold)
    except Exception:
        # Raised again in the child, where it ends no thread of this process and is told with the reply.
        return None


def pair_of(item: Item, found: Found | None) -> tuple | None:
    """What makes two items equal; None where that is not known."""
    grader, _, gold = item
    return None if found is None else (grader, gold_id(gold), sha256([found.answer, found.where]))


def copy_outcome(done: Future, to: Future) -> None:
    error = done.exception()
    if error is not None:
        to.set_exception(error)
    else:
        to.set_result(done.result())
