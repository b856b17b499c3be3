"""Programs graded per second: graders.program on 4 processes against LightEval's own codegen_metrics, in one run.

20 problems of 20 tests, drawn from a seed, half of them programs that read standard input and half functions; 16
programs each: 10 right, 3 wrong (at the first, a middle or the last test), 2 that crash, and in every fifth problem one
that never ends (else an eleventh right one): 1.25 %, a little less than the share of time limits among published
submissions. An endless program takes 6 s in both, so the ratio falls with their share, towards the number of processes;
--endless N sets it. LightEval grades as its metric does, one call of codegen_metrics per problem. The two take turns,
since what else a machine does changes by the minute: in each of 4 rounds ours grades all problems, and LightEval, the
slow one, the next quarter of them. Imports and the start of processes do not count.

    python benchmarks/grading_programs.py [--seed 0] [--processes 4] [--rounds 4] [--endless 4]
"""

import argparse
import json
import logging
import random
import statistics
import sys
import time

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


def load(seed: int, *, every: int) -> list[tuple[str | None, list[tuple[str, str]], list[tuple[str, bool]]]]:
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
                    draw, tests, right, wrong, function=function, endless=number % every == every - 1 or every == 1
                ),
            )
        )
    return made


def gold(name: str | None, tests: list[tuple[str, str]]) -> str:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return json.dumps({"fn_name": name, "public": json.dumps(cases[:2]), "private": json.dumps(cases[2:])})


def ours(problems: list, n_processes: int) -> tuple[float, list[bool]]:
    """Seconds on that many grading processes, and the verdicts."""
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
        begin = time.perf_counter()
        grades = pool.grade_many(items)
        return time.perf_counter() - begin, [grade.outcome == "correct" for grade in grades]


def peer(problems: list) -> tuple[float, list[bool]]:
    """Seconds of LightEval's metric, and its verdicts."""
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
    begin = time.perf_counter()
    verdicts = []
    for name, tests, made in problems:
        verdicts += grade(name, tests, [code for code, _ in made])
    return time.perf_counter() - begin, verdicts


def measured(done: tuple[float, list[bool]], problems: list) -> tuple[float, int]:
    """Programs per second, and how many were misjudged."""
    seconds, verdicts = done
    truth = [verdict for _, _, made in problems for _, verdict in made]
    return len(truth) / seconds, sum(a != b for a, b in zip(verdicts, truth, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=4, help="a divisor of 20")
    parser.add_argument("--endless", type=int, default=4, help="how many of the 20 problems have an endless program")
    options = parser.parse_args()
    problems = load(options.seed, every=N_PROBLEMS // options.endless if options.endless else N_PROBLEMS + 1)
    n_part = N_PROBLEMS // options.rounds
    peer(problems[:0])
    speeds, peer_speeds, n_wrong, n_peer_wrong = [], [], 0, 0
    for begin in range(0, N_PROBLEMS, n_part):
        part = problems[begin : begin + n_part]
        speed, wrong = measured(ours(problems, options.processes), problems)
        peer_speed, peer_wrong = measured(peer(part), part)
        speeds, peer_speeds = [*speeds, speed], [*peer_speeds, peer_speed]
        n_wrong, n_peer_wrong = n_wrong + wrong, n_peer_wrong + peer_wrong
    ratios = [speed / peer_speed for speed, peer_speed in zip(speeds, peer_speeds, strict=True)]
    print(
        f"{N_PROBLEMS} problems x {N_PROGRAMS} programs x {N_TESTS} tests, {options.rounds} rounds: "
        f"ours {' '.join(f'{speed:.1f}' for speed in speeds)} programs/s on {options.processes} processes, "
        f"LightEval {' '.join(f'{speed:.1f}' for speed in peer_speeds)}; "
        f"ratios {' '.join(f'{ratio:.1f}' for ratio in ratios)}; "
        f"ours misjudges {n_wrong}, LightEval {n_peer_wrong}"
    )
    middle = statistics.median
    json.dump({"ours": middle(speeds), "lighteval": middle(peer_speeds), "ratio": middle(ratios)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
