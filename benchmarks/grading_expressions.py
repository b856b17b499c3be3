"""Replies graded per second: graders.expression on some processes against LightEval's own pass_at_k_math, in one run.

Two loads, drawn from a seed: AIME-like (30 problems x 64 replies of 2 to 30 kB, integer golds) and MATH-500-like
(500 problems x 4 replies of 1 to 8 kB; 60 % integers, the rest fractions, roots, tuples, intervals, polynomials,
matrices and words, answered in other spellings or wrongly). LightEval grades in the process that runs it, as it does in
an evaluation, and a part of the replies only: it is the slow one. Its time to import and its first replies do not
count, nor do ours.

On a machine with other work the CPU seconds of one process say more: they are printed for both sides, and what ratio
they promise. By the clock the ratio is lower: multiprocessing hands whole replies to the processes, which takes longer
than to grade them. A run's own pool (sampling.pool) sends its processes the answer that was found, and equal pairs
once; it looks for the answers in the one process that reads the replies.

    python benchmarks/grading_expressions.py [--seed 0] [--processes 2] [--peer-replies 240]
"""

import argparse
import json
import logging
import multiprocessing
import random
import sys
import time

from lighteval_r1.graders import EXPRESSION

SENTENCES = (
    "Let me set $x = {a}$ and see what happens: $x^2 - {b}x + {c} = 0$ gives $\\Delta = {b}^2 - 4\\cdot{c}$.",
    "So the sum is \\[ \\sum_{{k=1}}^{{{a}}} k = \\frac{{{a}({a}+1)}}{{2}} \\] and we subtract {b}.",
    "Wait, that counts the case of {a} twice, so there are {b} ways and not {c}.",
    "By symmetry the probability is $\\frac{{{a}}}{{{b}}}$, hence $m + n = {c}$?",
    "Hmm, let me check with small numbers: 1, 2, 3, {a}, {b}.",
    "Then $\\sqrt{{{a}}} \\cdot \\sqrt{{{b}}} = \\sqrt{{{c}}}$, which looks right.",
    "I think the answer might be {a}, but let me verify it modulo {b}.",
)


def thought(draw: random.Random, length: int) -> str:
    parts, n = [], 0
    while n < length:
        numbers = {name: draw.randint(2, 999) for name in "abc"}
        parts.append(draw.choice(SENTENCES).format(**numbers))
        n += len(parts[-1]) + 2
    return "\n\n".join(parts)[:length]


def problem(draw: random.Random) -> tuple[str, list[str], list[str]]:
    """A gold, other spellings of it, and wrong answers."""
    a, b, c = (draw.randint(2, 40) for _ in range(3))
    forms = [
        (
            f"\\frac{{{a}}}{{{a + b}}}",
            [f"\\dfrac{{{a}}}{{{a + b}}}", f"\\frac{{{a * 3}}}{{{3 * (a + b)}}}", f"{a}/{a + b}"],
            [f"\\frac{{{b}}}{{{a + b}}}", "1"],
        ),
        (
            f"{a}\\sqrt{{{b}}}",
            [f"{a} \\sqrt{b}" if b < 10 else f"{a} \\sqrt{{{b}}}", f"\\sqrt{{{a * a * b}}}"],
            [f"{a}\\sqrt{{{b + 1}}}", f"{a * b}"],
        ),
        (
            f"\\left( {a}, \\frac{{\\pi}}{{{b}}} \\right)",
            [f"({a}, \\frac{{\\pi}}{{{b}}})", f"({a},\\pi/{b})"],
            [f"({a}, {b})", f"({b}, \\frac{{\\pi}}{{{a}}})"],
        ),
        (
            f"({a},{a + b}]",
            [f"\\left({a},{a + b}\\right]", f"{a} < x \\le {a + b}"],
            [f"[{a},{a + b}]", f"({a},{a + c + b + 1}]"],
        ),
        (f"{a}x^2-{b}x+{c}", [f"{c} - {b}x + {a}x^2", f"{a}x^2 - {b}x + {c}"], [f"{a}x^2+{b}x+{c}", f"{a}x-{b}"]),
        (
            f"\\begin{{pmatrix}} {a} \\\\ -{b} \\end{{pmatrix}}",
            [f"\\begin{{bmatrix}}{a}\\\\-{b}\\end{{bmatrix}}"],
            [f"\\begin{{pmatrix}} {a} \\\\ {b} \\end{{pmatrix}}"],
        ),
        ("\\text{Evelyn}", ["Evelyn", "\\text{evelyn}"], ["\\text{Angela}", "Debra"]),
        (f"{a}\\pi", [f"{a} \\pi", f"\\pi\\cdot {a}"], [f"{b + 41}\\pi", f"{a}"]),
        (f"{a}^\\circ", [f"{a}", f"{a}^{{\\circ}}"], [f"{a + 1}^\\circ"]),
        (f"{a}, {a + b}", [f"{a + b}, {a}", f"x={a} \\text{{ or }} x={a + b}"], [f"{a}", f"{a}, {a + b + 1}"]),
    ]
    if draw.random() < 0.6:
        value = draw.randint(0, 20_000)
        return (
            str(value),
            [f"{value:,}", f"x = {value}", f"{value}.0"],
            [str(value + draw.randint(1, 99)), f"\\frac{{{value + 1}}}{{2}}"],
        )
    return draw.choice(forms)


def loads(seed: int) -> dict[str, list[tuple[str, str, bool]]]:
    """Name of the load -> (reply, gold, whether it is right) in the order of an evaluation."""
    draw = random.Random(seed)
    aime, math = [], []
    for _ in range(30):
        gold = draw.randint(0, 999)
        usual = [gold] * 6 + [draw.randint(0, 999) for _ in range(4)]
        for _ in range(64):
            answer = draw.choice(usual)
            reply = (
                f"{thought(draw, draw.randint(2_000, 30_000))}\n</think>\n\nThe answer "
                f"is\n\\[\n\\boxed{{{answer}}}\n\\]"
            )
            aime.append((reply, str(gold), answer == gold))
    for _ in range(500):
        gold, spellings, wrong = problem(draw)
        for _ in range(4):
            kind = draw.random()
            answer = gold if kind < 0.5 else draw.choice(spellings) if kind < 0.75 else draw.choice(wrong)
            reply = f"{thought(draw, draw.randint(1_000, 8_000))}\n</think>\n\nTherefore it is $\\boxed{{{answer}}}$."
            math.append((reply, gold, kind < 0.75))
    return {"AIME-like (30 x 64, 2 to 30 kB)": aime, "MATH-500-like (500 x 4)": math}


def grade(pair: tuple[str, str, bool]) -> str:
    return str(EXPRESSION.grade_reply(pair[0], pair[1], thinking_opened=True).outcome)


def warm(_: int) -> None:
    """Grades what needs every step, so that the start of a process is not timed."""
    for answer in ("5", "\\sqrt{2}", "-x > -1"):
        EXPRESSION.grade_reply(f"\\boxed{{{answer}}}", "x < 1")
    time.sleep(0.2)


def ours(pairs: list[tuple[str, str, bool]], n_processes: int) -> tuple[float, list[str]]:
    """Replies per second on that many processes, and the outcomes."""
    with multiprocessing.get_context("forkserver").Pool(n_processes) as pool:
        pool.map(warm, range(n_processes), chunksize=1)
        begin = time.perf_counter()
        outcomes = pool.map(grade, pairs, chunksize=64)
        return len(pairs) / (time.perf_counter() - begin), outcomes


def cpu_ms(pairs: list[tuple[str, str, bool]]) -> float:
    """CPU milliseconds for a reply in this process, none of whose pairs it has seen."""
    warm(0)
    begin = time.process_time()
    for pair in pairs:
        grade(pair)
    return 1000 * (time.process_time() - begin) / len(pairs)


def peer(pairs: list[tuple[str, str, bool]]) -> tuple[float, float, list[str]]:
    """Replies per second of LightEval's metric, its CPU milliseconds for a reply, and its verdicts as outcomes."""
    from lighteval.metrics.metrics import Metrics
    from lighteval.models.model_output import ModelResponse
    from lighteval.tasks.requests import Doc

    logging.getLogger("lighteval").setLevel(logging.ERROR)
    metric = Metrics.pass_at_k_math(sample_params={"k": 1, "n": 1}).sample_level_fn

    def one(reply: str, gold: str) -> str:
        score = metric.compute(
            doc=Doc(query="", choices=[gold], gold_index=0), model_response=ModelResponse(text=[reply])
        )
        return "correct" if score == 1 else "wrong"

    one("The answer is $\\boxed{\\frac{1}{2}}$", "\\frac{1}{2}")
    begin, begin_cpu = time.perf_counter(), time.process_time()
    outcomes = [one(reply, gold) for reply, gold, _ in pairs]
    cpu = 1000 * (time.process_time() - begin_cpu) / len(pairs)
    return len(pairs) / (time.perf_counter() - begin), cpu, outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--peer-replies", type=int, default=240)
    options = parser.parse_args()
    results = {}
    for name, pairs in loads(options.seed).items():
        step = max(1, len(pairs) // options.peer_replies)
        part = pairs[::step]
        speed, outcomes = ours(pairs, options.processes)
        cpu = cpu_ms(pairs)
        peer_speed, peer_cpu, peer_outcomes = peer(part)
        mistaken, peer_mistaken = (
            sum((outcome == "correct") != right for outcome, (_, _, right) in zip(found, part, strict=True))
            for found in (outcomes[::step], peer_outcomes)
        )
        print(
            f"{name}: ours {speed:,.0f} replies/s on {options.processes} processes, {len(pairs)} replies; LightEval "
            f"{peer_speed:,.0f} replies/s, every {step}th reply ({len(part)}); ratio {speed / peer_speed:.1f}; "
            f"CPU {cpu:.3f} and {peer_cpu:.2f} ms a reply, {peer_cpu / cpu:.0f} times, "
            f"{options.processes * peer_cpu / cpu:.0f} on {options.processes} processes; "
            f"of these, ours misjudges {mistaken} and LightEval {peer_mistaken}",
            flush=True,
        )
        results[name] = {
            "ours": speed,
            "lighteval": peer_speed,
            "ratio": speed / peer_speed,
            "cpu_ms": cpu,
            "peer_cpu_ms": peer_cpu,
            "n": len(pairs),
            "n_peer": len(part),
        }
    json.dump(results, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
