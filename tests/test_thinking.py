"""What is measured of a thinking: by hand, on replies that mean harm, and over runs."""

import pytest
from thinking_cases import CASES, MARK
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from lighteval_r1.details import RunProblem, RunSample
from lighteval_r1.pool import Pool
from lighteval_r1.thinking.first_correct import Stated, first_correct
from lighteval_r1.thinking.measures import measured, thinking_of
from lighteval_r1.thinking.places import candidates
from lighteval_r1.thinking.tokens import Offsets


def words_tokenizer() -> Tokenizer:
    """A token is what stands between spaces."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


@pytest.fixture(scope="module")
def pool():
    with Pool(2, limit_s=2) as running:
        yield running


def measure(case, pool):
    outcome = "correct" if case.correct else "wrong"
    sample = RunSample(0, case.reply.replace(MARK, ""), case.opened, outcome, None, "stop", None, None)
    problem = RunProblem("p", "p", case.problem, case.gold, case.grader, {}, [sample])
    thinking = thinking_of(sample)
    found = candidates(thinking.text, grader=case.grader, problem=case.problem, gold=case.gold)
    (place,), _ = first_correct([Stated(case.grader, case.gold, found)], pool=pool)
    end = None if place is None else place.end
    return measured(problem, sample, thinking=thinking, end=end, known=True, offsets=Offsets(words_tokenizer()))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_replies_measured_by_hand(case, pool):
    one = measure(case, pool)
    assert (one.tokens, one.first_correct, one.thoughts) == (case.tokens, case.first, case.thoughts)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_hand_counts_agree_with_the_marks(case):
    before, mark, _ = case.reply.partition(MARK)
    assert (len(before.split()) if mark else None) == case.first
