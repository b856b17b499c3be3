"""What a careful reader would have seen in a finished run before publishing: smells, by name, with counts and examples."""

from dataclasses import replace

import pytest

from lighteval_r1.graders.splitting import Split
from lighteval_r1.numbers.scores import problem_figures, task_row
from lighteval_r1.numbers.tables import results_table
from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun
from lighteval_r1.report import contents
from lighteval_r1.report.page.tables import Table
from lighteval_r1.runs.smells import SAMPLES_LEAST, in_words, smells

PROMPT = (
    "A train leaves at nine and goes 30 miles an hour for two hours. How far does it get? Put your answer in a box."
)


def sample(index: int, reply: str = "<think>so</think>It is \\boxed{4}.", **fields) -> Sample:
    given = {"finish_reason": "stop", "n_tokens": 20 + index, "outcome": Outcome.CORRECT, "answer": "4", "step": "box"}
    return Sample(f"k{index}", "p", index, None, reply, **given | fields)


def run_of(samples: list[Sample], *, problems: int = 1) -> Run:
    rows = [RunProblem(f"p{at}", f"P{at}", PROMPT, "4", "expression", samples=samples) for at in range(problems)]
    return Run("m", "", {}, {}, {"t": TaskRun.of_problems("t", rows, version=2, n=len(samples))})


def first(n: int, **fields) -> list[Sample]:
    """20 samples, of which the first n are like this."""
    return [sample(index, **(fields if index < n else {})) for index in range(20)]


NO_ANSWER = {"outcome": Outcome.NO_ANSWER, "answer": "", "step": "nothing announced"}
CASES = {
    "more than 5 % of replies without an answer": (2, {"reply": "<think>a</think>I do not know.", **NO_ANSWER}),
    "thoughts that never close, though the reply ended by itself": (1, {"reply": "<think>so \\boxed{4}"}),
    "answers that stand inside the thought": (
        2,
        {"reply": "<think>\\boxed{4}</think>", "step": "in the thinking: box"},
    ),
    "empty answers": (1, {"reply": "<think>so</think>\n\n"}),
    "answers that repeat the prompt": (1, {"reply": f"<think>so</think>{PROMPT}\nIt is \\boxed{{4}}."}),
    "Chinese or Japanese letters that the prompt does not have": (
        1,
        {"reply": "<think>" + "所以答案是" * 5 + "</think>\\boxed{4}"},
    ),
    "replies of exactly 512 tokens": (19, {"n_tokens": 512}),
}


@pytest.mark.parametrize("words", CASES)
def test_a_smell_is_named_with_its_count_and_examples(words):
    n, fields = CASES[words]
    run = run_of(first(n, **fields))
    (smell,) = smells(run)
    assert (smell.words, smell.n, smell.total) == (words, n, 20)
    assert [example.index for _, example in smell.examples] == list(range(min(n, 3)))
    (line,) = in_words(run)
    assert line.startswith(f"t: {words}: {n} of 20 ({5 * n} %), such as P0[0]")


def test_a_clean_run_smells_of_nothing_and_a_small_one_of_too_little():
    assert smells(run_of(first(0))) == []
    assert smells(run_of(first(20, **NO_ANSWER)[: SAMPLES_LEAST - 1])) == []
    cut = {"reply": "<think>so", "finish_reason": "length", **NO_ANSWER, "step": "cut off"}
    assert [smell.words for smell in smells(run_of(first(3, **cut)))] == ["more than 5 % of replies without an answer"]
    chinese = run_of(first(3, reply="<think>" + "所以答案是" * 5 + "</think>\\boxed{4}"))
    asked = replace(chinese.tasks["t"].problems[0], prompt="问题")
    assert smells(replace(chinese, tasks={"t": replace(chinese.tasks["t"], problems=[asked])})) == []


def test_one_answer_for_most_problems_smells_where_it_is_wrong():
    wrong = [sample(index, answer="7", outcome=Outcome.WRONG) for index in range(2)]
    (smell,) = smells(run_of(wrong, problems=6))
    assert (smell.words, smell.n) == ("one answer for most problems", 12)
    assert smells(run_of([sample(index) for index in range(2)], problems=6)) == [], "all golds are 4"


def test_marks_that_the_run_recorded_tell_what_never_closed():
    split = Split(((0, 5),), None).packed()
    (smell,) = smells(run_of(first(1, reply="thought", split=split, marks="[THINK] … [/THINK]")))
    assert smell.words.startswith("thoughts that never close")


def test_what_was_cut_off_or_looped_bounds_the_score():
    cut = {"finish_reason": "length", **NO_ANSWER, "step": "cut off"}
    loop = {"finish_reason": "repetition", **NO_ANSWER, "step": "looping"}
    samples = first(4, **cut) + [sample(20 + i, **loop) for i in range(4)] + [sample(24, finish_reason="length")]
    row = task_row(run_of(samples).tasks["t"])
    assert (row.truncated, row.early, row.unfinished) == (5, {"cut off": 5, "looping": 4}, 8)
    assert "t: 20.0 % cut off, 16.0 % looping: the score is at least 68.0, at most 100.0." in results_table([row])
    figures = problem_figures(run_of(samples).tasks["t"].problems[0])
    assert (figures["truncated"], figures["looping"], figures["no_answer looping"]) == (0.2, 0.16, 0.16)
    clean = results_table([task_row(run_of(first(0)).tasks["t"])])
    assert "at least" not in clean


def test_a_pages_examples_are_links_to_its_replies():
    run = run_of(first(2, **CASES["more than 5 % of replies without an answer"][1]))
    (smell,) = contents.smells_of([Table("t", "m", run.tasks["t"])], several=False)
    assert smell["links"] == [("P0[0]", "#t/P0/0/m"), ("P0[1]", "#t/P0/1/m")]
