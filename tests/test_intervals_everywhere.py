"""A model that is never right, or always, on 30 problems: through every door intervals, and nowhere an error of zero."""

import json
import re

import numpy as np
import pytest
from runs import Asked, write_run

from lighteval_r1.cli.results import table_of
from lighteval_r1.cli.sweep import sweep_table
from lighteval_r1.hub.published import score_in_words
from lighteval_r1.numbers.baselines import published_numbers
from lighteval_r1.numbers.estimators import named
from lighteval_r1.numbers.scores import task_row
from lighteval_r1.report.comparison import compare
from lighteval_r1.report.contents import write_report
from lighteval_r1.runs import grading
from lighteval_r1.runs.reading import read_run
from lighteval_r1.tasks.names import task_named

# per n: over new samples and over other problems, where none is right; where all are, the same from 100.
ENDS_OF = {4: ("3.2", "10.1"), 64: ("0.2", "10.3")}


@pytest.fixture(scope="module", params=[("w", 4), ("c", 4), ("w", 64), ("c", 64)], ids=lambda p: f"{p[0]} x {p[1]}")
def door(request, tmp_path_factory):
    """(its folder, the texts of both intervals)"""
    code, n = request.param
    folder = tmp_path_factory.mktemp("all")
    problems = [Asked(f"p{i}", code * n, gold=str(i), groups={"level": str(i % 2)}) for i in range(30)]
    write_run(folder / "run", {"r1_aime24": problems})
    same, others = ENDS_OF[n]
    if code == "c":
        return folder, (f"{100 - float(same):.1f} to 100.0", f"{100 - float(others):.1f} to 100.0")
    return folder, (f"0.0 to {same}", f"0.0 to {others}")


def points(text: str) -> list[str]:
    """What a collapsed interval or an error of zero looks like."""
    return re.findall(r"± ?0\.0\b|(?<![\d.+-])([+-]?\d+\.\d+) to \1(?!\d)", text)


def test_tables_and_the_card(door):
    folder, (same, others) = door
    run = read_run(str(folder / "run"))
    row = task_row(run.tasks["r1_aime24"])
    texts = [
        table_of(str(folder / "run"), also="pass@4,maj@4"),
        compare([str(folder / "run")]),
        score_in_words(row.pass_at_1),
        sweep_table("effort", [("low", row)]),
    ]
    for text in texts:
        assert same in text and others in text and not points(text), text


def test_a_comparison(door):
    folder, _ = door
    for code in "wc":
        problems = [Asked(f"p{i}", code * 4, gold=str(i)) for i in range(30)]
        text = compare([str(folder / "run"), str(write_run(folder / code, {"r1_aime24": problems}))])
        assert not points(text), text
        assert re.search(r"95 % interval \S+ to \S+ for the same problems .* to \S+ for others", text)


def test_the_page(door):
    folder, (same, others) = door
    write_report(
        [read_run(str(folder / "run"))],
        out=folder / "page.html",
        published=published_numbers(),
        also=named("pass@4"),
    )
    text = (folder / "page.html").read_text().partition('<script type="application/json"')[0]
    assert text.count(same) >= 2 and text.count(others) >= 2 and not points(text)
    # By level: the interval over its 15 problems.
    assert f'<td class="number nowrap">{"0.0 to 19." if others.startswith("0.0") else ""}' in text


def test_lightevals_table_has_the_interval_as_rows_of_their_own(door):
    from lighteval_r1.plugin.documents import ProblemDoc
    from lighteval_r1.plugin.metrics import ENDS, PassAt1, ProblemFigures, metrics

    folder, (_, others) = door
    task = task_named("r1_aime24")
    docs = []
    for problem in read_run(str(folder / "run")).tasks["r1_aime24"].problems:
        doc = ProblemDoc(task_name="r1_aime24", query="", choices=[""], gold_index=0)
        doc.figures, doc.scores = {"pass@1": float(problem.scores.mean())}, problem.scores
        docs.append(doc)
    PassAt1(n=4).compute([None] * len(docs), docs)
    _, grouped = metrics(task)
    rows = {}
    for end in ENDS:
        values = [ProblemFigures().compute(doc, None)[end] for doc in docs]
        # as a dict, which LightEval gives no "±"
        rows |= grouped.corpus_level_fn[end](values)
    assert f"{100 * rows['pass@1 low']:.1f} to {100 * rows['pass@1 high']:.1f}" == others
    assert not np.isnan(list(rows.values())).any()


@pytest.mark.parametrize(("answer", "same"), [("7", "96.8 to 100.0"), ("8", "0.0 to 3.2")])
def test_score(tmp_path, answer, same):
    lines = [
        {"problem": f"What is {i}?", "answer": "7", "gen": [f"<think>x</think> \\boxed{{{answer}}}"] * 4}
        for i in range(30)
    ]
    file = tmp_path / "replies.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    said = grading.run([file], task="r1_math_500", also="maj@3")
    assert same in said and "maj@3" in said and not points(said)
