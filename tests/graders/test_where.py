"""Where a reply's answer stands: behind which mark, in which box or sentence; and why there is none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lighteval_r1.graders import EXPRESSION, PROGRAM
from lighteval_r1.graders.answers import AnswerText, NoAnswer, extract, reason_of
from lighteval_r1.graders.marks import ALL
from lighteval_r1.graders.splitting import LAST_WORDS, Split, answer_text, parts_of
from lighteval_r1.records import Outcome, Sample

HERE = Path(__file__).parent


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def sample(reply: str, **fields) -> Sample:
    return Sample("k", "p", 0, None, reply, **fields)


@pytest.mark.parametrize("row", rows("where_cases.jsonl"), ids=lambda row: row["reply"][:50])
def test_the_answer_stands_behind_the_thinking_and_its_reason_is_said(row):
    found = EXPRESSION.grade_reply(
        row["reply"], "0", thinking_opened=row["thinking_opened"], finish_reason=row["finish_reason"]
    )
    assert (found.answer, found.step.split(";")[0]) == (row["answer"], row["step"])
    if not row["answer"]:
        assert found.outcome is Outcome.NO_ANSWER and found.step in set(NoAnswer)


@pytest.mark.parametrize("row", rows("announced_cases.jsonl"), ids=lambda row: row["text"][:50])
def test_what_is_announced_is_the_answer(row):
    assert extract(row["text"]) == (row["answer"], row["where"])


@pytest.mark.parametrize(("opening", "closing"), dict.fromkeys((marks.opening, marks.ending) for marks in ALL))
def test_the_marks_of_all_families_end_a_thinking_alike(opening, closing):
    for begun, opened in ((opening, False), ("", True)):
        whole = f"{begun}so \\boxed{{1}}{closing}\n\\boxed{{2}}"
        assert parts_of(sample(whole, thinking_opened=opened)) == ("so \\boxed{1}", "\n\\boxed{2}")
        assert EXPRESSION.grade_reply(whole, "2", thinking_opened=opened).outcome is Outcome.CORRECT
        nothing_behind = EXPRESSION.grade_reply(f"{begun}so \\boxed{{1}}{closing}\n", "1", thinking_opened=opened)
        assert (nothing_behind.outcome, nothing_behind.step) == (Outcome.CORRECT, "in the thinking: box; string")
        never_ended = EXPRESSION.grade_reply(f"{begun}so \\boxed{{1}} hmm, wait", "1", thinking_opened=opened)
        assert never_ended.outcome is Outcome.NO_ANSWER


def test_an_answer_in_the_thinking_counts_only_where_nothing_forced_the_end():
    reply = "<think>so \\boxed{1}</think>"
    assert answer_text(sample(reply, finish_reason="stop"), in_thinking=True).in_thinking
    assert not answer_text(sample(reply, finish_reason="stop"), in_thinking=False).in_thinking
    forced = Split(((7, 18),), ((26, 26),), forced=True).packed()
    assert not answer_text(sample(reply, finish_reason="stop", split=forced), in_thinking=True).in_thinking
    for finish_reason in ("length", "repetition", "content_filter", "tool_calls"):
        assert not answer_text(sample(reply, finish_reason=finish_reason), in_thinking=True).in_thinking
    assert PROGRAM.answer_text(sample("<think>```python\nprint(1)\n```</think>", finish_reason="stop")).text == ""


def test_a_grader_may_leave_the_thinking_out():
    grader = replace(EXPRESSION, answer_in_thinking=False)
    assert grader.grade_reply("<think>so \\boxed{1}</think>", "1").step == NoAnswer.UNENDED


def test_only_the_last_words_of_a_thinking_count():
    reply = "<think>so \\boxed{1}" + " x" * LAST_WORDS + "</think>"
    assert EXPRESSION.grade_reply(reply, "1").outcome is Outcome.NO_ANSWER


def test_a_step_begins_with_its_reason():
    assert reason_of("cut off") is NoAnswer.CUT_OFF
    assert reason_of("nothing announced: several letters in the box (A, B)") is NoAnswer.NOTHING
    assert reason_of("nothing") is NoAnswer.NOTHING
    assert AnswerText.of(None).reason is NoAnswer.CUT_OFF
