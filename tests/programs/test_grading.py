"""Programs are graded by LiveCodeBench's rules, and a killed server or grading process changes no grade."""

import base64
import contextlib
import json
import os
import pickle
import platform
import re
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from bare_machine import become_bare
from stand_in import InThread, StandIn

from lighteval_r1 import pool as pool_module
from lighteval_r1.graders.program import Cases, decode_cases, grade, judge, last_code_block, same_output
from lighteval_r1.pool import Pool
from lighteval_r1.processes import children, descendants
from lighteval_r1.programs import connection, server as server_module, system_calls
from lighteval_r1.programs.runner import Runner
from lighteval_r1.records import Grade, GraderDied, Outcome, UserError
from lighteval_r1.tasks.livecodebench import LCB

HERE = Path(__file__).parent


def gold(tests: list[tuple[str, str]], function: str | None = None) -> str:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return json.dumps({"fn_name": function, "public": json.dumps(cases[:1]), "private": json.dumps(cases[1:])})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\na\n```\nthen\n```python\nb\n```", "b"),
        ("```python\na\n```\nthen\n```python\nb\n", "a"),
        ("```\na\nb\n```", "a\nb"),
        ("```python\nnever closed\n```python\nb\n```", "b"),
        ("```py\n# here\n```\n\nAssistant: ```python\nb\n```", "b"),
        ("1. So:\n   ```python\n   if a:\n       b\n   ```", "if a:\n    b"),
        ("```python\nprint(1)```", "print(1)"),
        ("```python\nprint('```')\nb\n```", "print('```')\nb"),
        ("```python\r\na\r\n```\r\n", "a\r"),
        ("`code` and ```inline```", ""),
        ("no code", ""),
        ("```" * 300_000, ""),
        ("```\n" * 300_000, ""),
        ("```" + " " * 1_000_000 + "!", ""),
        ("\n" * 1_000_000 + " " * 1_000_000 + "```" + "a" * 1_000_000 + "!", ""),
    ],
)
def test_the_last_complete_code_block_is_the_program(text, code):
    assert last_code_block(text) == code


def test_a_megabyte_of_empty_lines_is_a_program_like_any_other(strictest):
    assert judge("\n" * 1_000_000 + "print(1)", Cases(None, [b""], ["1"]), runner=strictest).outcome is Outcome.CORRECT


def test_code_in_a_thought_that_never_ended_is_no_answer():
    found = grade("<think>```python\nprint(1)\n```", gold([("", "1")]))
    assert found.outcome is Outcome.NO_ANSWER


# Source of the rules: LiveCodeBench, lcb_runner/evaluation/testing_util.py.
@pytest.mark.parametrize(
    ("mine", "expected", "same"),
    [
        ("1\n2\n", "1\n2", True),
        ("  1 \n\t2\n\n", "1\n2", True),
        ("1 2", "1  2", True),  # equal numbers
        ("1.50", "1.5", True),
        ("1e3", "1000", True),
        ("0.30000000000000004", "0.3", False),
        ("50000000000000000", "50000000000000001", False),
        ("a  b", "a b", False),  # not numbers
        ("YES", "yes", False),
        ("1\n\n2", "1\n2", False),
        ("1 2", "1\n2", False),
        ("", "", True),
        ("", "1", False),
        ("nan", "nan", True),
        ("NaN 1", "nan 1", False),
        ("sNaN", "1", False),
        ("1e999999999", "1", False),
    ],
)
def test_output_is_compared_line_by_line_and_numbers_by_value(mine, expected, same):
    assert same_output(mine, expected) is same


@pytest.mark.parametrize(
    ("returned", "expected", "outcome"),
    [
        ("(1, 2)", "[1, 2]", "correct"),
        ("[(1, 2)]", "[[1, 2]]", "wrong"),
        ("[[1, 2], [3]]", "[[1, 2], [3]]", "correct"),
        ("1.0", "1", "correct"),
        ("True", "true", "correct"),
        ("1", "true", "correct"),
        ("None", "null", "correct"),
        ("'a\\n\\u20ac\\ud800'", '"a\\n\\u20ac\\ud800"', "correct"),
        ("0.1 + 0.2", "0.3", "wrong"),
        ("2 ** 100", str(2**100), "correct"),
        ("-2 ** 63 - 1", str(-(2**63) - 1), "correct"),
        ("{'a': 1}", '{"a": 1}', "correct"),
        ("Counter('aab')", '{"a": 2, "b": 1}', "correct"),
        ("{1: 1}", '{"1": 1}', "wrong"),
        ("{1, 2}", "[1, 2]", "wrong"),
        ("deque([1])", "[1]", "wrong"),
        ("range(2)", "[0, 1]", "wrong"),
        ("float('nan')", "NaN", "wrong"),
        ("__import__('fractions').Fraction(1, 2)", "0.5", "correct"),
        ("__import__('decimal').Decimal('0.1')", "0.1", "wrong"),
        ("__import__('numpy').int64(7)", "7", "correct"),
        ("[__import__('numpy').bool_(True)]", "[true]", "correct"),
        ("__import__('numpy').array([1, 2])", "[1, 2]", "wrong"),
        ("a + b", "3", "correct"),
    ],
)
def test_what_a_function_returns_is_compared_as_python_compares_it(returned, expected, outcome, strictest):
    code = f"class Solution:\n    def f(self, a: int, b: int) -> List[int]:\n        return {returned}"
    assert judge(code, Cases("f", [b"1\n2"], [expected]), runner=strictest).outcome == outcome


@pytest.mark.parametrize(
    "code",
    [
        "print(sum(map(int, input().split())))",
        "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
        "from sys import stdin, stdout\nstdout.write(str(sum(map(int, stdin.readline().split()))))",
        "n = 0\ndef f():\n    global n\n    n += sum(int(x) for x in input().split())\nf()\nprint(n)",
        "def main():\n    print(sum(map(int, input().split())))\nif __name__ == '__main__':\n    main()",
        "print(sum(map(int, input().split())))\nexit(3)",
        "print(reduce(add, map(int, input().split())), end='\\n\\n')",
        "import atexit\natexit.register(lambda: print(sum(map(int, input().split()))))",
        "import io, os, sys\nsys.stdout = io.StringIO()\nprint(sum(map(int, input().split())))\nsys.__stdout__.write(sys.stdout.getvalue())",
        "import os\nos.write(1, str(sum(map(int, input().split()))).encode())\nos._exit(0)",
        "@cache\ndef f(n): return f(n - 1) + 1 if n else 0\nf(10_000)\nprint(sum(map(int, input().split())))",
        "from dataclasses import dataclass\n@dataclass(order=True)\nclass A:\n    x: int\nprint(sum(A(int(x)).x for x in input().split()))",
        "import numpy as np\nprint(np.array(input().split(), dtype=int).sum())",
        "import threading\nthreading.Thread(target=lambda: print(sum(map(int, input().split()))), daemon=False).start()",
    ],
)
def test_programs_read_and_write_as_they_like(code, strictest):
    cases = Cases(None, [b"1 2", b"3 4\n", b"5 6\n"], ["3", "7\n", "11"])
    assert judge(code, cases, runner=strictest).step == "all 3 tests"


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("print(3)\nraise ValueError", "test 1 of 2: it raised ValueError"),
        ("print(3", "test 1 of 2: it raised SyntaxError"),
        ("print(3)", "test 2 of 2: wrong output"),
        ("print(3)\nx = '\ud800'.encode()", "test 1 of 2: it raised UnicodeEncodeError"),
        ("print('\\ud800')", "test 1 of 2: it raised UnicodeEncodeError"),
        ("\0", "test 1 of 2: it raised"),
        ("(" * 100_000, "test 1 of 2: it raised"),
        ("def f(): f()\nimport sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\nrepr(A())", "test 1 of 2: "),
    ],
)
def test_a_program_that_fails_says_where(code, step, strictest):
    found = judge(code, Cases(None, [b"1 2", b"3 4"], ["3", "7"]), runner=strictest)
    assert found.outcome is Outcome.WRONG and step in found.step, found.step


def test_what_one_test_leaves_behind_does_not_decide_the_next(strictest):
    left = "import builtins\nprint(getattr(builtins, 'left', 'nothing'))\nbuiltins.left = 'something'\n"
    assert judge(left, Cases(None, [b""] * 4, ["nothing"] * 4), runner=strictest).outcome is Outcome.CORRECT
    daemon = "import threading, time\nthreading.Thread(target=lambda: [print('late', flush=True) for _ in iter(lambda: time.sleep(0.01), 1)], daemon=True).start()\nprint(1)"
    assert judge(daemon, Cases(None, [b""] * 3, ["1"] * 3), runner=strictest).outcome is Outcome.CORRECT


def test_packed_tests_are_read_and_nothing_but_text_is_unpickled():
    tests = json.dumps([{"input": "", "output": "2"}])
    packed = base64.b64encode(zlib.compress(pickle.dumps(tests))).decode()
    record = {"fn_name": None, "public": json.dumps([{"input": "", "output": "1"}]), "private": packed}
    assert decode_cases(json.dumps(record)).expected == ["1", "2"]
    hostile = base64.b64encode(zlib.compress(b"cos\nsystem\n(S'true'\ntR.")).decode()
    with pytest.raises(pickle.UnpicklingError, match="os.system"):
        decode_cases(json.dumps(record | {"private": hostile}))


def test_a_problem_without_tests_grades_nothing():
    with Pool(1) as pool:
        (died,) = pool.grade_many([("program", "```\nprint(1)\n```", gold([]), False)])
    assert isinstance(died, GraderDied) and "no tests" in str(died)


def test_replies_with_official_verdicts_are_graded_as_they_were(shared, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")]))
    rows, replies = (
        [json.loads(line) for line in (shared / "grading" / name).read_text().splitlines()]
        for name in ("livecodebench_rows_dev.jsonl", "livecodebench_replies_dev.jsonl")
    )
    assert len(replies) == 671
    golds = {row["question_id"]: LCB.problem(row).gold for row in rows}
    every = "LIGHTEVAL_R1_ALL" in os.environ
    if not every:
        replies = replies[::4]
    with Pool() if every else Pool(module="quick_worker") as pool:
        grades = pool.grade_many([("program", row["output"], golds[row["question_id"]], False) for row in replies])
    wrong = [
        (row["uid"], found) for row, found in zip(replies, grades, strict=True) if (found.outcome == "correct") != row["expected"]
    ]
    assert not wrong


@pytest.mark.parametrize("victim", ["grading process", "keeper", "server", "program"])
def test_a_kill_anywhere_changes_no_grade(victim):
    depth = ["grading process", "keeper", "server", "program"].index(victim)
    # Two kills of grading processes may meet the same reply, which then stays ungraded until the next run.
    n_kills = 1 if depth == 0 else 2
    code = "```python\nimport time\ntime.sleep(0.2)\nprint(int(input()) + {n})\n```"
    items = [("program", code.format(n=n % 2) + f"\n{n}", gold([("1\n", "1")] * (2 + n % 3)), False) for n in range(12)]
    killed = 0
    with Pool(2) as pool:
        futures = [pool.submit(item) for item in items]
        while not futures[-1].done():
            pids = pool.pids
            for _ in range(depth):
                pids = [child for pid in pids for child in children(pid)]
            if killed < n_kills and pids and futures[killed].done():
                os.kill(pids[0], signal.SIGKILL)
                killed += 1
            time.sleep(0.02)
        outcomes = [future.result().outcome for future in futures]
    assert killed == n_kills
    assert outcomes == [Outcome.WRONG if n % 2 else Outcome.CORRECT for n in range(12)]


def kill_again_and_again(victim: str, *, owner: int) -> None:
    """Kills what runs a program for that process, never to return. Nothing else: a server of vLLM may be its child, too."""
    while True:
        for keeper in children(owner):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if server_module.__name__ in Path(f"/proc/{keeper}/cmdline").read_text():
                    running = [(server, program) for server in children(keeper) for program in children(server)]
                    for server, program in running:
                        if Path(f"/proc/{program}/comm").read_text() == "begun\n":
                            os.kill(server if victim == "server" else program, signal.SIGKILL)
        time.sleep(0.02)


@pytest.mark.parametrize("victim", ["program", "server"])
def test_a_program_that_is_always_killed_is_undecided_and_one_whose_server_is_has_no_grade(victim):
    runner = Runner(limit_s=5)
    runner.connection()
    code = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'begun', 0, 0, 0)\ntime.sleep(4)"
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
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN, str(core), "3"], stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for process in spinning:
            process.stdout.readline()
        begin = time.monotonic()
        assert judge("print(sum(range(4 * 10**6)))", Cases(None, [b""], ["7999998000000"]), runner=runner).step == "all 1 tests"
        assert time.monotonic() - begin > 1.5, "it did not have to wait"
        assert runner.connection().process.pid == keeper, "in another server"
    finally:
        for process in spinning:
            process.communicate()
        runner.drop()


def test_programs_are_refused_where_nothing_confines_them_unless_the_user_allows_it(monkeypatch):
    nothing = ({"namespaces": False, "landlock": False, "seccomp": False},)
    monkeypatch.delenv(connection.UNSAFE, raising=False)
    with pytest.raises(UserError, match="allows no confinement .* read files outside.*--allow-unsafe-code"):
        connection.connect(nothing)
    monkeypatch.setenv(connection.UNSAFE, "1")
    made = connection.connect(nothing)
    made.close()
    assert made.level.startswith("unsafe: limits; programs can read files outside")


@pytest.mark.parametrize("half", [{"landlock": False, "seccomp": True}, {"landlock": True, "seccomp": False}])
def test_half_a_confinement_counts_as_none(half, monkeypatch):
    monkeypatch.delenv(connection.UNSAFE, raising=False)
    with pytest.raises(UserError, match="allows no confinement"):
        connection.connect(({"namespaces": False, **half},))


def test_the_level_names_what_is_in_force(strictest):
    assert re.fullmatch(r"(namespaces \+ )?(Landlock \d+ \+ )?seccomp \+ limits", strictest.connection().level)
    assert connection.level() == strictest.connection().level


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with this machine's headers")
def test_system_calls_have_the_numbers_of_the_kernels_headers():
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers")
    official = dict(re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text()))
    assert {name: int(official[name]) for name in system_calls.numbers("x86_64") if name in official} == {
        name: number for name, number in system_calls.numbers("x86_64").items() if name in official
    }


COMMANDS = {
    "evaluate": ["evaluate", "--task", "demo_programs"],
    "endpoint": ["endpoint", "demo_programs", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"],
    "score": ["score", "{file}", "--task", "demo_programs"],
}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are of x86_64")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_machine_without_confinement_is_refused_in_one_line_before_anything_is_sampled(command, tmp_path):
    file = tmp_path / "replies.jsonl"
    row = {"problem": "Print 1.", "answer": gold([("", "1")]), "gen": "```python\nprint(1)\n```"}
    file.write_text(json.dumps(row) + "\n" + json.dumps(row | {"problem": "Print one."}) + "\n")
    arguments = [sys.executable, "-m", "lighteval_r1.cli", *(part.format(file=file) for part in COMMANDS[command])]
    environment = {name: value for name, value in os.environ.items() if name != connection.UNSAFE}
    environment |= {"PYTHONPATH": str(HERE.parents[1] / "src"), "LIGHTEVAL_R1_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
    options = {"preexec_fn": become_bare, "capture_output": True, "text": True, "cwd": tmp_path, "timeout": 120, "env": environment}
    refused = subprocess.run(arguments, **options)
    said = r"lighteval-r1: this machine allows no confinement .*--allow-unsafe-code.*\n"
    assert refused.returncode == 2 and re.fullmatch(said, refused.stderr), refused.stderr
    assert os.listdir(tmp_path) == ["replies.jsonl"]
    if command == "score":
        allowed = subprocess.run([*arguments, "--allow-unsafe-code"], **options)
        assert "Confinement of generated programs: unsafe: limits; programs can read files outside" in allowed.stderr
        assert allowed.returncode == 0 and "100.0" in allowed.stdout
    if command == "endpoint":
        allowed = subprocess.run(arguments, **options | {"env": environment | {connection.UNSAFE: "1"}})
        assert "Confinement of generated programs: unsafe: limits" in allowed.stderr and "no server answers" in allowed.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are of x86_64")
def test_lighteval_itself_is_refused_too_and_results_keep_the_level(strictest, tmp_path):
    level = strictest.connection().level
    environment = {name: value for name, value in os.environ.items() if name != connection.UNSAFE}
    environment |= {"PYTHONPATH": str(HERE.parents[1] / "src"), "LIGHTEVAL_R1_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
    with InThread(StandIn().app()) as url:
        command = [sys.executable, HERE / "bare_machine.py", url, tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(re.findall("lighteval-r1: this machine allows no confinement .*--allow-unsafe-code.*\n", done.stderr)) == 1
    assert "on a bare machine it ends with 1\n" in done.stderr and "Traceback" not in done.stderr
    assert f"Confinement of generated programs: {level}.\n" in done.stderr
    (results,) = (tmp_path / "out").rglob("results_*.json")
    assert json.loads(results.read_text())["config_general"]["model_config"]["lighteval_r1"]["environment"]["sandbox"] == level


def test_a_program_that_computes_is_ended_by_its_own_limits_never_by_the_pools(monkeypatch):
    monkeypatch.setattr(pool_module, "PROGRAM_LIMIT_S", 0.2)
    monkeypatch.setattr(pool_module, "PATIENCE", 5)
    code = "```python\nimport time\nbegin = time.process_time()\nwhile time.process_time() - begin < 0.6: pass\nprint(1)\n```"
    asleep = "```python\nimport time\ntime.sleep(5)\nprint(1)\n```"
    with Pool(1, limit_s=0.1) as pool:
        computed, stuck = pool.grade_many([("program", reply, gold([("", "1")] * 3), False) for reply in (code, asleep)])
    assert computed.step == "all 3 tests"
    # Nothing computes, neither the grader nor what it runs: so the pool ends it.
    assert stuck == Grade(Outcome.UNDECIDED, "", "the grader was stopped after 0.2 s")


@pytest.mark.parametrize("gives_way", [False, True])
def test_programs_run_at_the_priority_of_the_pool(gives_way):
    with Pool(1, gives_way=gives_way) as pool:
        pool.grade_many([("program", "```python\nprint(1)\n```", gold([("", "1")]), False)])
        pids = descendants(pool.pids[0])
        assert len(pids) == 3, "grading process, keeper, server"
        assert {os.sched_getscheduler(pid) for pid in pids} == {os.SCHED_IDLE if gives_way else os.SCHED_OTHER}
