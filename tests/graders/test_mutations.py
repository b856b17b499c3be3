"""Verdicts by class: answers made from golds by rule, and expressions drawn as trees, are told apart or found equal."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
import soak
from graders import mutations, trees
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lighteval_r1.graders import comparison
from lighteval_r1.graders.expression import gold_expression

HERE = Path(__file__).parent
DATA = ("math_500", "aime_2024", "aime_2025", "aime_2026", "hmmt_feb_2025", "amc23", "minerva_math", "olympiadbench")
SEED = 2026


@pytest.fixture(scope="module")
def golds(shared) -> list[str]:
    """Every gold of eight benchmarks once."""
    found = {}
    for name in DATA:
        for line in (shared / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            answer = row["answer"] if "answer" in row else row["final_answer"][0]
            found.setdefault(str(answer))
    return list(found)


def made(golds: list[str], table: dict) -> list[tuple[str, str, str]]:
    """(class, answer, gold) of as many pairs as were asked for, of each class its share."""
    pairs = [(name, answer, gold) for gold in golds for name, answer in mutations.pairs(gold, table)]
    wanted = soak.count("mutations")
    return pairs if wanted >= len(pairs) else random.Random(SEED).sample(pairs, wanted)


@pytest.mark.soak("mutations")
def test_no_answer_that_says_something_else_is_correct(golds):
    wrongly = [pair for pair in made(golds, mutations.OTHER) if compared(pair) is True]
    assert not wrongly, wrongly[:10]


@pytest.mark.soak("mutations")
def test_answers_that_say_the_same_are_correct_but_for_two_in_a_thousand(golds):
    pairs = made(golds, mutations.SAME)
    wrongly = [pair for pair in pairs if compared(pair) is not True]
    assert len(wrongly) <= 0.002 * len(pairs), wrongly[:10]


def compared(pair: tuple[str, str, str]) -> bool | None:
    _, answer, gold = pair
    return comparison.compare(answer, gold_expression(gold))[0]


def test_every_class_of_mutations_applies_to_some_golds(golds):
    for table in (mutations.SAME, mutations.OTHER):
        counts = Counter(name for gold in golds for name, _ in mutations.pairs(gold, table))
        assert set(counts) == set(table) and min(counts.values()) >= 10, counts


ASKED = settings(
    max_examples=soak.count("trees"),
    deadline=None,
    derandomize=not soak.ASKED,
    suppress_health_check=list(HealthCheck),
    database=None,
)


@pytest.mark.soak("trees")
@ASKED
@given(trees.TREES, st.data())
def test_two_spellings_of_one_expression_are_equal(tree, data):
    assume(trees.equal(tree, tree))
    answer, gold = trees.written(tree, data.draw), trees.written(tree, data.draw)
    same, step = comparison.compare(answer, gold)
    assert same is True or (same is None and step.startswith("too large")), (answer, gold, step)


@pytest.mark.soak("trees")
@ASKED
@given(trees.pairs(), st.data())
def test_an_expression_with_a_slip_in_it_is_another(pair, data):
    tree, other = pair
    assume(trees.equal(tree, other) is False)
    answer, gold = trees.written(other, data.draw), trees.written(tree, data.draw)
    same, step = comparison.compare(answer, gold)
    assert same is not True, (answer, gold, step)
