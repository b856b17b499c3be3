"""Verdicts of graders.expression and of math-verify on the same pairs and replies, whose right verdict is known.

Pairs and replies are those of the tests (tests/graders: written down before they were tried), and, with --shared, real
replies with known verdicts. math-verify is called as LightEval calls it: parse() and verify() on whole replies; the
answer of a pair stands in a box. With --source the graders of another checkout are asked.

    python benchmarks/grading_verdicts.py [--shared ../shared/grading] [--last 1400] [--source ../old/src]
"""

import argparse
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "graders"
Case = tuple[str, str, bool]


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def cases(shared: Path | None, last: int | None) -> dict[str, list[Case]]:
    """Name -> (reply, gold, whether it is right)."""
    pairs = [(f"\\boxed{{{row['answer']}}}", row["gold"], row["same"]) for row in rows(TESTS / "answer_pairs.jsonl")]
    replies = [
        (row["reply"], row["gold"], row["correct"])
        for row in rows(TESTS / "reply_pairs.jsonl")
        if row["grader"] == "expression"
    ]
    found = {"pairs": pairs[-last:] if last else pairs, "replies": replies}
    if shared:
        real = rows(shared / "r1_style_replies_dev.jsonl")
        found["real replies"] = [
            (row["output"], row["gold"], row["consensus_strict"]) for row in real if row["consensus_strict"] is not None
        ]
    return found


def ours(reply: str, gold: str) -> bool:
    from lighteval_r1.graders import EXPRESSION

    return EXPRESSION.grade_reply(reply, gold).outcome == "correct"


def peer(reply: str, gold: str) -> bool:
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    boxed = gold if "boxed" in gold else f"\\boxed{{{gold.strip('$')}}}"
    read = (ExprExtractionConfig(), LatexExtractionConfig(boxed_match_priority=0))
    answer = reply.rpartition("</think>")[2]
    return bool(verify(parse(boxed, [LatexExtractionConfig(boxed_match_priority=0)]), parse(answer, read)))


def told(name: str, found: list[Case], judge: Callable[[str, str], bool]) -> dict[str, float]:
    begin = time.process_time()
    verdicts = [judge(reply, gold) for reply, gold, _ in found]
    seconds = time.process_time() - begin
    counts = Counter((verdict, right) for verdict, (_, _, right) in zip(verdicts, found, strict=True))
    wrongly_right, wrongly_wrong = counts[True, False], counts[False, True]
    n_right = counts[True, True] + wrongly_wrong
    print(
        f"{name}: {wrongly_right} of {len(found) - n_right} wrongly right, {wrongly_wrong} of {n_right} wrongly wrong, "
        f"{1000 * seconds / len(found):.2f} ms CPU each",
        flush=True,
    )
    return {"wrongly_right": wrongly_right, "wrongly_wrong": wrongly_wrong, "n": len(found), "n_right": n_right}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, help="a folder with r1_style_replies_dev.jsonl")
    parser.add_argument("--last", type=int, help="only so many pairs, from the end of their file")
    parser.add_argument("--source", type=Path, help="the src of another checkout, whose graders are asked")
    options = parser.parse_args()
    if options.source:
        sys.path.insert(0, str(options.source))
    logging.disable(logging.ERROR)
    results = {
        f"{name}, {whose}": told(f"{name}, {whose}", found, judge)
        for name, found in cases(options.shared, options.last).items()
        for whose, judge in (("ours", ours), ("math-verify", peer))
    }
    json.dump(results, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
