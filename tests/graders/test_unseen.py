"""Pairs that were written down with their verdict before the graders' rules were read, and sentences by class."""

import json
import re
from pathlib import Path

import pytest
from graders import families, sentences

from lighteval_r1.graders import comparison, grader_named
from lighteval_r1.graders.expression import gold_expression
from lighteval_r1.records import Outcome

HERE = Path(__file__).parent
VALUES = ("42", "3/4", "-7")
LETTERS = "BCDEFGH"


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def correct(grader: str, reply: str, gold: str) -> bool:
    return grader_named(grader).grade_reply(reply, gold).outcome is Outcome.CORRECT


@pytest.mark.parametrize("same", [True, False])
def test_answers_are_equal_to_golds_as_mathematics_says(same):
    missed = [
        (row["answer"], row["gold"])
        for row in rows("answer_pairs")
        if row["same"] is same and (comparison.compare(row["answer"], gold_expression(row["gold"]))[0] is True) != same
    ]
    assert not missed, missed


@pytest.mark.parametrize("seed", range(2))
def test_golds_of_one_form_are_told_from_their_like_whatever_their_numbers(seed):
    missed = [
        (name, answer, gold)
        for name, answer, gold, same in families.pairs(seed)
        if (comparison.compare(answer, gold)[0] is True) != same
    ]
    assert not missed, missed


@pytest.mark.parametrize("grader", ["expression", "choice"])
def test_a_reply_is_right_where_its_reader_would_say_so(grader):
    asked = [row for row in rows("reply_pairs") if row["grader"] == grader]
    missed = [row for row in asked if correct(grader, row["reply"], row["gold"]) != row["correct"]]
    assert not missed, missed


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_an_answer_where_a_sentence_announces_it(value):
    missed = [form for form in sentences.ANNOUNCED if not correct("expression", sentences.filled(form, value), value)]
    assert not missed, missed


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_no_answer_where_a_sentence_denies_doubts_or_changes_it(value):
    missed = [form for form in sentences.NOT_ANNOUNCED if correct("expression", sentences.filled(form, value), value)]
    assert not missed, missed


@pytest.mark.parametrize("shift", range(3))
def test_a_letter_is_the_answer_where_a_sentence_settles_on_it(shift):
    for i, form in enumerate(sentences.SETTLED):
        letter, other = (LETTERS[(i + shift + step) % 7] for step in (0, 3))
        reply = sentences.filled(form, letter)
        assert correct("choice", reply, letter), reply
        assert not correct("choice", reply, other), reply


@pytest.mark.parametrize("shift", range(3))
def test_a_letter_is_no_answer_where_a_sentence_denies_or_doubts_it(shift):
    for i, form in enumerate(sentences.UNSETTLED):
        letter = LETTERS[(i + shift) % 7]
        assert not correct("choice", sentences.filled(form, letter), letter), (form, letter)


# Where a value or letter stands bare in a sentence: not in a formula, a table or quotes, nor set apart already.
BARE = re.compile(r"(?<![*_$\\({|`<>'\"])\{\}(?![*_$)}|`<'\"])")


@pytest.mark.parametrize("mark", ["**{}**", "__{}__", "*{}*", "_{}_", "`{}`"])
def test_what_is_set_apart_in_its_sentence_is_read_as_what_is_not(mark):
    asked = [
        (grader, value, BARE.sub(mark, form), right)
        for grader, value, forms, right in (
            ("expression", "42", sentences.ANNOUNCED, True),
            ("expression", "42", sentences.NOT_ANNOUNCED, False),
            ("choice", "B", sentences.SETTLED, True),
            ("choice", "B", sentences.UNSETTLED, False),
        )
        for form in forms
        if BARE.search(form)
    ]
    missed = [
        form for grader, value, form, right in asked if correct(grader, sentences.filled(form, value), value) != right
    ]
    assert len(asked) > 300 and not missed, missed


@pytest.mark.parametrize("announcement", sentences.ANNOUNCEMENTS)
def test_an_answer_is_itself_in_every_dress(announcement):
    for dress in sentences.DRESSES:
        reply = announcement.format(dress)
        assert correct("expression", reply.format("42"), "42"), reply
        assert not correct("expression", reply.format("42"), "43"), reply
        if "{{" in dress or "text" not in dress:
            assert correct("choice", reply.format("D"), "D"), reply
        assert not any(correct("choice", reply.format("D"), other) for other in "ABC"), reply


@pytest.mark.parametrize("pair", ["AB", "DB", "CA"])
def test_of_two_letters_none_is_the_answer_unless_one_stands_instead_of_the_other(pair):
    first, second = pair
    for form in sentences.SEVERAL:
        reply = form.format(first, second)
        assert not correct("choice", reply, first), reply
        assert not correct("choice", reply, second), reply
    for form in sentences.INSTEAD:
        reply = form.format(x=first, y=second)
        assert correct("choice", reply, second), reply
        assert not correct("choice", reply, first), reply
