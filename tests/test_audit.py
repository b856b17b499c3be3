"""audit: published verdicts against our grading, with both kinds of disagreement and what of them is policy."""

import json
import shutil
from pathlib import Path

import pytest
from test_reply_files import RECORDED, put

from lighteval_r1.records import UserError
from lighteval_r1.runs.audit import audit, in_words


def row(uid: str, gen: str | list[str], verdict: object, *, answer: str = "7", **more: object) -> dict:
    return {"uid": uid, "problem": f"{uid}?", "answer": answer, "gen": gen, "correct": verdict, **more}


BOTH = row("both", "\\boxed{7}", True)
CUT = row("cut", "<think>It is \\boxed{7}", True, finish_reason="length")
THOUGHT = row("thought", "<think>So \\boxed{7}</think>", False)
READ = row("read", "The sum is 7 or 8. \\boxed{8}", True)


def test_agreement_both_disagreements_and_the_part_that_is_policy_by_hand(tmp_path):
    found = audit(str(put(tmp_path / "r.jsonl", BOTH, CUT, THOUGHT, READ)), task="r1_math_500")
    # Theirs: both, cut, read of 4; ours: both and thought.
    assert (found.theirs.value, found.ours.value, found.n_agree) == (0.75, 0.5, 1)
    assert [each.sample.key for each in found.lost] == ["cut", "read"]
    assert [(each.sample.key, each.why) for each in found.gained] == [("thought", "answer taken from the thinking")]
    # Policy: -1/4 for what was cut off, +1/4 for the answer in the thinking; the rest, -1/4, is how "read" is read.
    assert (found.policy, found.difference) == (0.0, -0.25)
    words = in_words(found)
    assert "Both agree on 1 of 4 replies (25.0 %)." in words
    assert "Right by its verdict, not by our grading: 2 (1 cut off, 1 answer or gold read otherwise)" in words
    assert "  read: answer '8', gold '7', box" in words
    assert "Of the difference of -25.0 points, +0.0 are policy" in words and "-25.0 how answers are read" in words


def test_where_both_agree_no_part_of_nothing_is_told(tmp_path):
    assert in_words(audit(str(put(tmp_path / "r.jsonl", BOTH)), task="r1_math_500")).endswith("There is no difference.")


def test_problems_weigh_the_same_however_many_replies_carry_a_verdict(tmp_path):
    two = row("two", ["\\boxed{7}", "\\boxed{8}", "\\boxed{7}"], [True, True, None])
    found = audit(str(put(tmp_path / "r.jsonl", two, THOUGHT)), task="r1_math_500")
    # "two": 2/2 against 1/2, its third reply is left out; "thought": 0 against 1, policy.
    assert (found.theirs.value, found.ours.value, found.n_without) == (0.5, 0.75, 1)
    assert found.policy == 0.5 and found.ours.n_samples == 3
    assert "1 reply without a verdict left out." in in_words(found)


def test_verdicts_of_inspect_and_of_lm_eval_and_evalscope_are_read(tmp_path):
    found = audit(str(RECORDED / "inspect_log.eval"), task="demo_sums")
    assert (found.theirs.value, round(found.ours.value, 3), found.n_agree) == (0.0, 0.667, 2)
    lines = [json.loads(line) for line in (RECORDED / "lm_eval_samples.jsonl").read_text().splitlines()]
    single = [line | {"resps": [line["resps"][0][:1]], "exact_match": float(n != 0)} for n, line in enumerate(lines)]
    found = audit(str(put(tmp_path / "s.jsonl", *single)), task="demo_sums")
    assert found.n_agree == 3 and found.difference == 0
    reviews = [json.loads(line) for line in (RECORDED / "evalscope_reviews.jsonl").read_text().splitlines()]
    for n, line in enumerate(reviews):
        line["sample_score"]["score"] = {"value": {"acc": 1.0 if n > 1 else 0.0}, "main_score_name": "acc"}
    assert audit(str(put(tmp_path / "r.jsonl", *reviews)), task="demo_sums").n_agree == 6


def test_verdicts_that_lightevals_metric_implies_are_those_of_details(tmp_path):
    details = Path(shutil.copy(Path(__file__).parent / "lighteval_run" / "details.parquet", tmp_path))
    found = audit(str(details), task="demo_sums")
    assert found.n_agree + len(found.lost) + len(found.gained) == found.ours.n_samples


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ([row("a", "7", None)], "", "carries no verdict of single replies"),
        ([row("a", "7", 0.4)], "", "the verdict '0.4' is neither true nor false"),
        ([row("a", "7", True, score=0)], "", "carries no verdict"),
        ([row("a", "7", True)], "verdict=nothing", "no column 'nothing'"),
    ],
)
def test_what_is_no_verdict_is_one_line(tmp_path, rows, columns, words):
    with pytest.raises(UserError, match=words) as refused:
        audit(str(put(tmp_path / "r.jsonl", *rows)), task="r1_math_500", columns=columns)
    assert "\n" not in str(refused.value)


def test_a_named_verdict_decides_between_two(tmp_path):
    path = put(tmp_path / "r.jsonl", BOTH | {"score": 0}, row("x", "\\boxed{7}", False) | {"score": 1})
    for name, gained in (("correct", "x"), ("score", "both")):
        found = audit(str(path), task="r1_math_500", columns=f"verdict={name}")
        assert [each.sample.key for each in found.gained] == [gained] and not found.lost


def test_the_page_shows_the_replies_and_runs_nothing_of_them(tmp_path, main):
    hostile = row("<b>u</b>", "<script>alert(1)</script>\\boxed{8}", "C")
    page = tmp_path / "audit.html"
    code, said, refused = main("audit", put(tmp_path / "r.jsonl", BOTH, hostile), "--task", "r1_math_500", "-o", page)
    assert code == 0 and said.splitlines()[-1] == str(page), refused
    text = page.read_text()
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text and "&lt;b&gt;u&lt;/b&gt;" in text
    assert "Both agree on 1 of 2 replies" in text and "default-src" in text
