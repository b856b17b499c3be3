"""Killed, starved or stopped: no grade changes because of what happens to the processes that find it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from golds import gold

from lighteval_r1.confined import server as server_module
from lighteval_r1.confined.connection import LEVELS, LIMITS_ONLY, Connection, connect
from lighteval_r1.confined.processes import children, descendants, thread_states, threads
from lighteval_r1.confined.runner import Process, Runner, compiled_part, sealed
from lighteval_r1.graders import PROGRAM
from lighteval_r1.graders.program import Cases, judge
from lighteval_r1.records import Grade, GraderDied, Outcome
from lighteval_r1.sampling import pool as pool_module
from lighteval_r1.sampling.pool import Pool


@pytest.mark.parametrize("victim", ["grading process", "keeper", "server", "program"])
def test_a_kill_anywhere_changes_no_grade(victim):
    depth = ["grading process", "keeper", "server", "program"].index(victim)
    # Two kills of grading processes may meet the same reply, which then stays ungraded until the next run.
    n_kills = 1 if depth == 0 else 2
    code = "```python\nimport time\ntime.sleep(0.2)\nprint(int(input()) + {n})\n```"
    items = [(PROGRAM, code.format(n=n % 2) + f"\n{n}", gold([("1\n", "1")] * (2 + n % 3))) for n in range(12)]
    killed = 0
    with Pool(2) as pool:
        futures = [pool.submit(item) for item in items]
        while not futures[-1].done() or killed < n_kills:
            if futures[-1].done():
                # the machine was faster than the kills
                items.append((PROGRAM, code.format(n=len(items) % 2) + f"\n{len(items)}", items[0][2]))
                futures.append(pool.submit(items[-1]))
            pids = pool.pids
            for _ in range(depth):
                pids = [child for pid in pids for child in children(pid)]
            if killed < n_kills and pids and futures[killed].done():
                with contextlib.suppress(ProcessLookupError):  # it has ended since that look
                    os.kill(pids[0], signal.SIGKILL)
                    killed += 1
            time.sleep(0.02)
        outcomes = [future.result().outcome for future in futures]
    assert outcomes == [Outcome.WRONG if n % 2 else Outcome.CORRECT for n in range(len(items))]


def command_of(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def kill_again_and_again(victim: str, *, owner: int) -> None:
    """Kills what runs a program for that process, never to return. Nothing else: a server of vLLM may be its child, too."""
    while True:
        for keeper in children(owner):
            if server_module.__name__ in command_of(keeper):
                running = [(server, program) for server in children(keeper) for program in children(server)]
                for server, program in running:
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        if Path(f"/proc/{program}/comm").read_text() == "begun\n":
                            os.kill(server if victim == "server" else program, signal.SIGKILL)
        time.sleep(0.02)


@pytest.mark.parametrize("victim", ["program", "server"])
def test_a_program_that_is_always_killed_is_undecided_and_one_whose_server_is_has_no_grade(victim):
    runner = Runner(limit_s=60)
    runner.connection()
    code = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'begun', 0, 0, 0)\ntime.sleep(50)"
    pid = os.fork()
    if pid == 0:
        kill_again_and_again(victim, owner=os.getppid())
    try:
        if victim == "server":
            with pytest.raises(GraderDied, match="the server of programs ended 3 times over one test"):
                judge(code, Cases(None, [b""], ["1"]), runner=runner)
        else:
            found = judge(code, Cases(None, [b""], ["1"]), runner=runner)
            assert found.outcome is Outcome.UNDECIDED and "killed by another hand" in found.step
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        runner.drop()


def begun_programs() -> list[int]:
    """Programs of this process that have said so."""
    pids = []
    for pid in descendants(os.getpid()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text() == "begun\n":
                pids.append(pid)
    return pids


def kill_once(victim: str, runner: Runner) -> None:
    """Kills it when the program has read its input, and lets the program that runs in its place go on."""
    keeper = runner.connection().process.pid
    while not (killed := begun_programs()):
        time.sleep(0.005)
    (program,) = killed
    (server,) = children(keeper)
    os.kill({"keeper": keeper, "server": server, "program": program}[victim], signal.SIGKILL)
    while not (again := set(begun_programs()) - set(killed)):
        time.sleep(0.005)
    os.kill(again.pop(), signal.SIGUSR1)


@pytest.mark.parametrize("victim", ["keeper", "server", "program"])
def test_a_test_that_was_killed_half_way_has_its_whole_input_when_it_runs_again(victim):
    code = """
import ctypes, signal, time

def go(*_): raise InterruptedError

signal.signal(signal.SIGUSR1, go)
given = input()
try:
    ctypes.CDLL(None).prctl(15, b"begun", 0, 0, 0)
    time.sleep(50)
except InterruptedError:
    print(given)
"""
    for level in LEVELS:
        runner = Runner((level,), limit_s=60)
        runner.connection()
        killing = threading.Thread(target=kill_once, args=(victim, runner), daemon=True)
        killing.start()
        grade = judge(code, Cases(None, [b"7\n"], ["7"]), runner=runner)
        killing.join(60)
        assert grade.step == "all 1 tests"
        runner.drop()


@pytest.mark.parametrize("level", LEVELS, ids=["namespaces", "no namespaces"])
@pytest.mark.parametrize("victim", ["keeper", "server", "tried child"])
def test_a_server_that_is_killed_while_it_starts_is_started_again_not_at_a_weaker_level(victim, level):
    depth = ["keeper", "server", "tried child"].index(victim)
    killed = []

    def kill_as_it_starts() -> None:
        while not killed and connection is None:
            pids = [pid for pid in children(os.getpid()) if server_module.__name__ in command_of(pid)]
            for _ in range(depth):
                pids = [child for pid in pids for child in children(pid)]
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    while not killed:  # a child that is tried lives some milliseconds
        connection = None
        killing = threading.Thread(target=kill_as_it_starts)
        killing.start()
        connection = connect((level, LIMITS_ONLY))
        killing.join()
        assert connection.can == [] and connection.level.startswith("namespaces" if level["namespaces"] else "Landlock")
        connection.close()


def test_what_ends_while_it_is_looked_at_has_no_threads():
    for _ in range(40):
        pid = os.fork()
        if pid == 0:
            for _ in range(10):
                threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
            os._exit(0)
        waiting = threading.Thread(target=os.waitpid, args=(pid, 0))
        waiting.start()
        while waiting.is_alive():
            thread_states(pid)
        assert thread_states(pid) == "" and threads(pid) == []


@pytest.mark.parametrize("level", [*LEVELS, LIMITS_ONLY], ids=["namespaces", "no namespaces", "limits"])
def test_a_program_ends_with_its_server(level):
    connection = Connection(level)
    request = {"compiled": False, "function": None, "in_class": False, "cpu_s": 6}
    files = {"code": sealed(b"import time\ntime.sleep(60)"), "given": sealed(b"")}
    with contextlib.closing(Process(connection, request, **files)):
        (server,) = children(connection.process.pid)
        while not (programs := children(server)):
            time.sleep(0.01)
        os.kill(server, signal.SIGKILL)
        end = time.monotonic() + 30
        while Path(f"/proc/{programs[0]}").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
    connection.close()
    for fd in files.values():
        os.close(fd)


SPIN = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
print(flush=True)
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end: pass
"""


def test_a_program_that_waits_for_a_core_is_not_taken_for_one_that_sleeps():
    core = max(os.sched_getaffinity(0))
    runner = Runner(limit_s=1)
    keeper = runner.connection().process.pid
    for pid in descendants(keeper):
        os.sched_setaffinity(pid, {core})
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    # Where Linux shares cores between sessions first, their own priority is what counts. Source: sched(7), autogroup.
    if Path("/proc/self/autogroup").exists():
        with contextlib.suppress(BlockingIOError):  # it takes one such wish in 0.1 s
            Path(f"/proc/{keeper}/autogroup").write_text("19")
    begin = time.monotonic()
    spinning = [
        subprocess.Popen([sys.executable, "-c", SPIN, str(core), "3"], stdout=subprocess.PIPE) for _ in range(2)
    ]
    try:
        for process in spinning:
            process.stdout.readline()
        assert (
            judge("print(sum(range(4 * 10**6)))", Cases(None, [b""], ["7999998000000"]), runner=runner).step
            == "all 1 tests"
        )
        assert time.monotonic() - begin > 1.5, "it did not have to wait"
        assert runner.connection().process.pid == keeper, "in another server"
    finally:
        for process in spinning:
            process.communicate()
        runner.drop()


def test_a_program_that_computes_is_ended_by_its_own_limits_never_by_the_pools(monkeypatch):
    monkeypatch.setattr(pool_module, "PATIENCE", 5)
    code = "```python\nimport time\nbegin = time.process_time()\nwhile time.process_time() - begin < 0.6: pass\nprint(1)\n```"
    asleep = "```python\nimport time\ntime.sleep(5)\nprint(1)\n```"
    impatient = replace(PROGRAM, limit_s=0.2)
    with Pool(1) as pool:
        computed, stuck = pool.grade_many([(impatient, reply, gold([("", "1")] * 3)) for reply in (code, asleep)])
    assert computed.step == "all 3 tests"
    # Nothing computes, neither the grader nor what it runs: so the pool ends it.
    assert stuck == Grade(Outcome.UNDECIDED, "", "the grader was stopped after 0.2 s")


@pytest.mark.parametrize("gives_way", [False, True])
def test_programs_run_at_the_priority_of_the_pool(gives_way):
    with Pool(1, gives_way=gives_way) as pool:
        pool.grade_many([(PROGRAM, "```python\nprint(1)\n```", gold([("", "1")]))])
        pids = descendants(pool.pids[0])
        assert len(pids) == 3, "grading process, keeper, server"
        assert {os.sched_getscheduler(pid) for pid in pids} == {os.SCHED_IDLE if gives_way else os.SCHED_OTHER}


def test_a_program_that_was_killed_while_it_was_compiled_is_compiled_again():
    compiled, said = b"compiled" * 9, b'{"value": 1}'
    told = len(compiled).to_bytes(8) + compiled
    assert compiled_part(told + said) == (compiled, said) and compiled_part(bytes(8) + said) == (b"", said)
    assert {compiled_part(told[:n]) for n in range(len(told))} == {(b"", b"")}
