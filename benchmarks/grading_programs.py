"""Programs graded per second: graders.program on 2 processes against LightEval's own codegen_metrics, in one run.

20 problems of 20 tests, drawn from a seed, half of them programs that read standard input and half functions; 16
programs each: 10 right, 3 wrong (at the first, a middle or the last test), 2 that crash, and in every fifth problem one
that never ends (else an eleventh right one): 1.25 %, a little less than the share of time limits among published
submissions. An endless program takes 6 s in both, so the ratio falls with their share, towards the number of processes;
--endless N sets it. LightEval grades as its metric does, one call of codegen_metrics per problem. The two take turns,
since what else a machine does changes by the minute: in each of 4 rounds ours grades all problems, and LightEval, the
slow one, the next quarter of them. Imports and the start of processes do not count. Where other work keeps the machine
busy, the CPU seconds that each side used, all its processes together, say more than the time that went by.

    python benchmarks/grading_programs.py [--seed 0] [--processes 2] [--rounds 4] [--endless 4]
"""

import argparse
import contextlib
import json
import logging
import os
import random
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from lighteval_r1.graders import PROGRAM
from lighteval_r1.sampling.pool import Pool

N_PROBLEMS, N_TESTS, N_PROGRAMS = 20, 20, 16


def problem(draw: random.Random, *, function: bool) -> tuple[str | None, list[tuple[str, str]], str, str]:
    """(function name, tests, a right body, a wrong one): sums over windows of a list; the body turns a, k into
    found."""
    tests = []
    factor = draw.randint(2, 9)
    for _ in range(N_TESTS):
        a = [draw.randint(-1000, 1000) for _ in range(draw.randint(5, 300))]
        k = draw.randint(1, 5)
        found = max(factor * sum(a[i : i + k]) for i in range(len(a) - k + 1))
        given = f"{json.dumps(a)}\n{k}" if function else f"{len(a)} {k}\n{' '.join(map(str, a))}\n"
        tests.append((given, str(found) if function else f"{found}\n"))
    right = f"max({factor} * sum(a[i:i + k]) for i in range(len(a) - k + 1))"
    return "best" if function else None, tests, right, right.replace("max", "min")


def program(body: str, *, before: str = "", function: bool) -> str:
    if function:
        return (
            f"class Solution:\n    def best(self, a: List[int], k: int) -> int:\n        {before or 'pass'}\n      "
            f"  return {body}\n"
        )
    return (
        "import sys\n\ndef main():\n    data = sys.stdin.read().split()\n    n, k = int(data[0]), int(data[1])\n"
        f"    a = [int(x) for x in data[2:2 + n]]\n    {before or 'pass'}\n    print({body})\n\nmain()\n"
    )


def programs(
    draw: random.Random, tests: list[tuple[str, str]], right: str, wrong: str, *, function: bool, endless: bool
) -> list[tuple[str, bool]]:
    """(code, whether it is right)"""
    lengths = [len(json.loads(given.split("\n")[0])) if function else int(given.split()[0]) for given, _ in tests]
    found = [(program(right, function=function), True)] * (10 if endless else 11)
    found = [(f"# {i}\n{code}", verdict) for i, (code, verdict) in enumerate(found)]
    for at in (0, N_TESTS // 2, N_TESTS - 1):
        found.append((program(f"{wrong} if len(a) == {lengths[at]} else {right}", function=function), False))
    found.append((program(right, before="a[len(a)]", function=function), False))
    found.append((program(right, before="raise ValueError(k)", function=function), False))
    if endless:
        found.append((program(right, before="while True: k = k", function=function), False))
    draw.shuffle(found)
    return found


def load(seed: int, *, every: int | None) -> list[tuple[str | None, list[tuple[str, str]], list[tuple[str, bool]]]]:
    """(function name, tests, programs) of each problem. every: the middle one of so many has an endless program: none
    stands at the end, where a core would wait for it that has work in a run of a thousand problems."""
    draw = random.Random(seed)
    made = []
    for number in range(N_PROBLEMS):
        function = number % 2 == 1
        name, tests, right, wrong = problem(draw, function=function)
        made.append(
            (
                name,
                tests,
                programs(
                    draw,
                    tests,
                    right,
                    wrong,
                    function=function,
                    endless=every is not None and number % every == every // 2,
                ),
            )
        )
    return made


def gold(name: str | None, tests: list[tuple[str, str]]) -> str:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return json.dumps({"fn_name": name, "public": json.dumps(cases[:2]), "private": json.dumps(cases[2:])})


def cpu_s() -> float:
    """CPU seconds of this process and all that it started, those that have ended included."""
    total = 0.0
    for pid in family(os.getpid()):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def joined_cpu_s() -> float:
    """CPU seconds of this process and the children that it waited for: what graded before may still be ending."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def family(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        return [pid, *(member for child in children for member in family(child))]
    return []


def ours(problems: list, n_processes: int) -> tuple[float, float, list[bool]]:
    """Seconds on that many grading processes, their CPU seconds, and the verdicts."""
    items = [
        (PROGRAM, f"```python\n{code}```", gold(name, tests)) for name, tests, made in problems for code, _ in made
    ]
    with Pool(n_processes) as pool:
        warm = gold(None, [("", "1\n")])
        pool.grade_many(
            [
                (PROGRAM, f"```python\n__import__('time').sleep(0.3)\nprint({i})\n```", warm)
                for i in range(4 * n_processes)
            ]
        )
        begin, begin_cpu = time.perf_counter(), cpu_s()
        grades = pool.grade_many(items)
        return time.perf_counter() - begin, cpu_s() - begin_cpu, [grade.outcome == "correct" for grade in grades]


def peer(problems: list) -> tuple[float, float, list[bool]]:
    """Seconds of LightEval's metric, its CPU seconds, and its verdicts."""
    # What the process holds that grades in an evaluation: each program costs it two forks of all that.
    import lighteval.main_vllm  # noqa: F401
    import vllm  # noqa: F401
    from lighteval.tasks.tasks.lcb.codegen_metrics import codegen_metrics

    def grade(name: str | None, tests: list[tuple[str, str]], codes: list[str]) -> list[bool]:
        inputs, outputs = zip(*tests, strict=True)
        sample = {"input_output": json.dumps({"inputs": inputs, "outputs": outputs, "fn_name": name})}
        # As LightEval 0.13.0 calls it, in lighteval/tasks/tasks/lcb/main.py.
        _, results = codegen_metrics([sample], [codes], k_list=[1], num_process_evaluate=8)
        return [all(verdict is True for verdict in found) for found in results[0]]

    logging.disable(logging.WARNING)
    grade(None, [("", "1\n")], ["print(1)"])
    begin, begin_cpu = time.perf_counter(), joined_cpu_s()
    verdicts = []
    for name, tests, made in problems:
        verdicts += grade(name, tests, [code for code, _ in made])
    return time.perf_counter() - begin, joined_cpu_s() - begin_cpu, verdicts


class Measured(NamedTuple):
    speed: float
    cpu_s: float
    n_wrong: int


def measured(done: tuple[float, float, list[bool]], problems: list) -> Measured:
    """Programs per second, CPU seconds for a program, and how many were misjudged."""
    seconds, cpu, verdicts = done
    truth = [verdict for _, _, made in problems for _, verdict in made]
    n_wrong = sum(a != b for a, b in zip(verdicts, truth, strict=True))
    return Measured(len(truth) / seconds, cpu / len(truth), n_wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4, help="a divisor of 20")
    parser.add_argument("--endless", type=int, default=4, help="how many of the 20 problems have an endless program")
    options = parser.parse_args()
    problems = load(options.seed, every=N_PROBLEMS // options.endless if options.endless else None)
    n_part = N_PROBLEMS // options.rounds
    peer(problems[:0])
    rounds, peer_rounds = [], []
    for begin in range(0, N_PROBLEMS, n_part):
        part = problems[begin : begin + n_part]
        rounds.append(measured(ours(problems, options.processes), problems))
        peer_rounds.append(measured(peer(part), part))
    n_peer_wrong = sum(theirs.n_wrong for theirs in peer_rounds)
    ratios = [mine.speed / theirs.speed for mine, theirs in zip(rounds, peer_rounds, strict=True)]
    print(
        f"{N_PROBLEMS} problems x {N_PROGRAMS} programs x {N_TESTS} tests, {options.rounds} rounds: "
        f"ours {' '.join(f'{mine.speed:.1f}' for mine in rounds)} programs/s on {options.processes} processes, "
        f"LightEval {' '.join(f'{theirs.speed:.1f}' for theirs in peer_rounds)}; "
        f"ratios {' '.join(f'{ratio:.1f}' for ratio in ratios)}; "
        f"CPU s a program {' '.join(f'{mine.cpu_s:.3f}' for mine in rounds)} and "
        f"{' '.join(f'{theirs.cpu_s:.3f}' for theirs in peer_rounds)}; "
        f"ours misjudges {sum(mine.n_wrong for mine in rounds)}, LightEval {n_peer_wrong}"
    )
    json.dump({"ratio": statistics.median(ratios)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
