"""The demo's problems and worked replies: sums, choices and programs, generated from seeds.

Evaluation problems are drawn first; training never sees one of them. A reply thinks in `<think>…</think>`, column by
column, sometimes slips and corrects itself with "Wait", and ends in a box, a letter or a program.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

N_EVALUATION = {"sums": 40, "choices": 24, "programs": 24}
SLIP = 0.1  # share of steps that go wrong first and are corrected


@dataclass(frozen=True)
class Drawn:
    """A row as the demo's data files hold it, and one good reply. kind: "sums", "choices" or "programs"."""

    row: dict
    reply: str

    @property
    def question(self) -> str:
        return self.row["question"]


def add_columns(a: int, b: int, rng: random.Random) -> list[str]:
    """The steps of a written addition, units first."""
    steps, carry, place = [], 0, 0
    while 10**place <= max(a, b):
        x, y = a // 10**place % 10, b // 10**place % 10
        total = x + y + carry
        step = f"{x} + {y}" + (f" + {carry}" if carry else "")
        if rng.random() < SLIP:
            steps.append(f"{step} = {total + rng.choice([-1, 1])}")
            steps.append(f"Wait, {step} = {total}")
        else:
            steps.append(f"{step} = {total}")
        carry = total // 10
        place += 1
    return steps


def draw_sum(rng: random.Random) -> Drawn:
    level = rng.randint(1, 5)
    low, high = [(1, 9), (10, 99), (100, 999), (10, 99), (1000, 9999)][level - 1]
    terms = [rng.randint(low, high) for _ in range(3 if level == 4 else 2)]
    steps, total = [], terms[0]
    for term in terms[1:]:
        steps += add_columns(total, term, rng)
        total += term
        steps.append(f"So far {total}" if level == 4 else f"The sum is {total}")
    row = {"question": f"What is {' + '.join(map(str, terms))}?", "answer": str(total), "level": level}
    return Drawn(row, think(steps) + f"The answer is $\\boxed{{{total}}}$.")


def draw_choice(rng: random.Random) -> Drawn:
    largest = rng.random() < 0.5
    high = rng.choice([99, 999])
    numbers = rng.sample(range(1, high + 1), 4)
    best = max(numbers) if largest else min(numbers)
    word, sign = ("largest", ">") if largest else ("smallest", "<")
    steps, leader = [], numbers[0]
    for number in numbers[1:]:
        winner = max(leader, number) if largest else min(leader, number)
        steps.append(f"{winner} {sign} {leader if winner == number else number}")
        leader = winner
    letter = "ABCD"[numbers.index(best)]
    steps.append(f"{best} is {letter}")
    row = {"question": f"Which number is the {word}?", "options": [str(number) for number in numbers], "letter": letter}
    return Drawn(row, think(steps) + f"Answer: {letter}")


OPERATIONS: dict[str, tuple[str, Callable[[int, int], int]]] = {
    "sum": ("a + b", lambda a, b: a + b),
    "difference": ("a - b", lambda a, b: a - b),
    "product": ("a * b", lambda a, b: a * b),
    "larger": ("max(a, b)", max),
    "smaller": ("min(a, b)", min),
}


def draw_program(rng: random.Random) -> Drawn:
    name = rng.choice(list(OPERATIONS))
    formula, compute = OPERATIONS[name]
    plus, times = rng.randint(1, 99), rng.randint(2, 9)
    question = (
        f"Read two whole numbers, one per line. Take the {name} of the two, multiply it by {times}, "
        f"add {plus}, and print the result."
    )
    tests = []
    for _ in range(5):
        a, b = rng.randint(-99, 99), rng.randint(-99, 99)
        tests.append({"input": f"{a}\n{b}\n", "output": f"{compute(a, b) * times + plus}\n", "testtype": "stdin"})
    code = f"a = int(input())\nb = int(input())\nprint(({formula}) * {times} + {plus})"
    steps = [f"The {name} is {formula}", f"times {times}", f"plus {plus}"]
    row = {"question": question, "tests": json.dumps(tests), "operation": name, "solution": code}
    return Drawn(row, think(steps) + f"```python\n{code}\n```")


def think(steps: list[str]) -> str:
    """What follows the `<think>` that the chat template opened."""
    return ". ".join(steps) + ".\n</think>\n\n"


DRAW: dict[str, Callable[[random.Random], Drawn]] = {"sums": draw_sum, "choices": draw_choice, "programs": draw_program}


def evaluation(kind: str) -> list[Drawn]:
    """The problems of a demo task: always the same, no question twice."""
    rng = random.Random(f"demo evaluation {kind}")
    drawn: dict[str, Drawn] = {}
    while len(drawn) < N_EVALUATION[kind]:
        one = DRAW[kind](rng)
        drawn.setdefault(identity(one), one)
    return list(drawn.values())


def training(n: int, *, seed: int) -> list[tuple[str, Drawn]]:
    """n (kind, problem) pairs, two thirds sums, none of them an evaluation problem."""
    rng = random.Random(f"demo training {seed}")
    held_out = {identity(one) for kind in DRAW for one in evaluation(kind)}
    pairs: list[tuple[str, Drawn]] = []
    while len(pairs) < n:
        kind = rng.choice(["sums", "sums", "choices", "programs"])
        one = DRAW[kind](rng)
        if identity(one) not in held_out:
            pairs.append((kind, one))
    return pairs


def identity(one: Drawn) -> str:
    return one.question + " ".join(one.row.get("options", []))
