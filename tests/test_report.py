"""What a report says and what it refuses, without a browser."""

import dataclasses
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import Asked, a_sample, write_run

from lighteval_r1.records import OwedError, Run, RunProblem, Sample, TaskRun, UserError
from lighteval_r1.report import contents as report
from lighteval_r1.report import summary
from lighteval_r1.report.page import drawings, script_json
from lighteval_r1.report.page.excerpts import PAGE_CHARACTERS, excerpt, excerpt_characters, parts_of
from lighteval_r1.report.page.tables import letter
from lighteval_r1.runs import scored_runs
from lighteval_r1.runs.reading import read_run
from lighteval_r1.thinking.measure_runs import for_report

OUTCOMES = {"c": "correct", "w": "wrong", "n": "no_answer", "u": "undecided", "-": None}


def problem(name: str, outcomes: str, *, n_tokens: int | None = 10, **groups: str) -> RunProblem:
    """outcomes: one letter per sample; "." for one that was not drawn."""
    samples = [
        a_sample(i, "t</think>4", True, OUTCOMES[code], "4", "stop" if n_tokens else None, n_tokens, i, None)
        for i, code in enumerate(outcomes)
        if code != "."
    ]
    return RunProblem(f"id-{name}", name, "What is $2 + 2$?", "4", "expression", groups, samples)


def a_run(*problems: RunProblem, model: str = "org/model", task: str = "r1_aime24", **settings: str) -> Run:
    return Run(model, "some/where", settings, {}, {task: TaskRun(task, 1, "d" * 64, "p" * 64, list(problems))})


def written(tmp_path, *runs: Run, published=lambda *_: (), **options) -> str:
    report.write_report(runs, out=tmp_path / "report.html", published=published, **options)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def cells(page: str) -> list[str]:
    """The text of each cell of the table of scores."""
    row = re.search(r"<tbody>(.*?)</tr>", page, re.S)[1]
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]


def test_the_table_says_the_score_both_errors_and_the_majority(tmp_path):
    # Means 1/2 and 1: 3/4. Variances 1/3 and 0 of four samples each: sqrt(1/12) / 2 = 0.144. Spread 0.354 / sqrt 2 = 0.25.
    # The vote of the first problem is a tie of two labels, right and "4": 1/2; the second's is right.
    found = cells(written(tmp_path, a_run(problem("p", "ccww"), problem("q", "cccc"))))
    assert [found[at] for at in (0, 1, 3, 4, 5)] == ["r1_aime24", "75.0", "16.3 to 96.8", "75.0", "2 × 4"]


def test_truncated_unanswered_and_undecided_samples_are_counted(tmp_path):
    cut = a_sample(4, "t", True, "no_answer", "", "length", 10, 4, None)
    asked = problem("p", "cwnu")
    page = written(tmp_path, a_run(dataclasses.replace(asked, samples=[*asked.samples, cut])))
    found, why = cells(page), "2 nothing announced; 20.0 % cut off: the score is at least 20.0, at most 40.0"
    assert found[7:10] == ["20.0&nbsp;% (1)", "40.0&nbsp;% (2)", "20.0&nbsp;% (1)"]
    assert f"without an answer: {why}</td>" in page


def test_published_numbers_stand_beside_ours_with_how_far_apart_they_are(tmp_path):
    asked = []

    def published(model, settings, task, estimate, group):
        asked.append((model, task, estimate.value, group))
        paper = summary.Published(
            "A paper", 0.555, "2.4 standard errors below", "https://example.org/table?a=1&b=2", "A"
        )
        return [paper, dataclasses.replace(paper, name="Another", value=0.444, by="B")]

    page = written(tmp_path, a_run(problem("p", "cw"), problem("q", "cw")), published=published)
    assert asked == [("org/model", "r1_aime24", 0.5, "")]
    assert "55.5 A paper: 2.4 standard errors below" in (words := " ".join(re.sub("<[^>]*>", "", page).split()))
    assert "measured by 2: 44.4 to 55.5; ours is within" in words
    assert 'title="https://example.org/table?a=1&amp;b=2"' in page


def test_pass_at_k_goes_as_far_as_every_problem_has_samples():
    # k=1: (1/4 + 1/2) / 2; k=2: (1 - C(3,2)/C(4,2) + 1) / 2 = (1/2 + 1) / 2.
    assert dict(summary.curve([np.array([1, 0, 0, 0]), np.array([1, 0])])) == pytest.approx({1: 0.375, 2: 0.75})


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        (("cwww", "cw"), "pass@4 and beyond are not told: q has 2 samples."),
        (("cww", "cww"), "pass@4 and beyond are not told: each problem has 3 samples."),
        (("c", "w"), "pass@2 and beyond are not told: each problem has 1 sample."),
    ],
)
def test_a_report_says_why_pass_at_k_ends_where_it_ends(tmp_path, outcomes, words):
    problems = [problem(name, codes) for name, codes in zip("pq", outcomes, strict=True)]
    assert words in written(tmp_path, a_run(*problems))


def test_groups_are_told_in_order_with_their_own_estimates():
    problems = [problem("a", "cc", level="10"), problem("b", "cw", level="2"), problem("c", "ww", level="2")]
    run = scored_runs.scored("run", a_run(*problems), partial=False)
    found = summary.by_group("r1_aime24", [run], published={"run": lambda *_: ()})["level"]
    told = [(value, runs[0].value, runs[0].estimate.n_problems) for value, runs in found.items()]
    assert told == [("2", 0.25, 2), ("10", 1.0, 1)]


def test_lengths_are_in_characters_where_a_run_does_not_count_tokens():
    known = summary.lengths("run", TaskRun("t", 1, "", "", [problem("a", "cw")]))
    assert (known.right, known.others, known.unit) == ([10], [10], "tokens")
    unknown = summary.lengths("run", TaskRun("t", 1, "", "", [problem("a", "cw", n_tokens=None)]))
    assert (unknown.right, unknown.others, unknown.unit) == ([10], [10], "characters")


def test_a_run_with_owed_or_ungraded_samples_is_refused_naming_the_first(tmp_path):
    run = a_run(problem("p", "cccc"), problem("q", "c.-c"), problem("r", "cc.c"))
    with pytest.raises(OwedError, match=r"3 of 12 samples are owed or ungraded, first q\[1\] \(not drawn\)"):
        written(tmp_path, run)
    assert not (tmp_path / "report.html").exists()


def test_a_partial_report_says_so_at_the_top_and_on_the_line(tmp_path):
    page = written(tmp_path, a_run(problem("p", "cccc"), problem("q", "c.-c")), partial=True)
    assert "Partial: r1_aime24 of model: 2 of 8 samples are owed or ungraded, first q[1] (not drawn)." in page
    assert cells(page)[0] == "r1_aime24 partial"


def test_a_partial_report_says_so_on_every_line(tmp_path):
    whole = [problem("x", "cwcc", level="1"), problem("y", "wwcc", level="2")]
    missing = [problem("p", "cc.c", level="1"), problem("q", "cw-c", level="2")]
    tasks = a_run(*missing).tasks | a_run(*whole, task="r1_math_500").tasks
    run = dataclasses.replace(a_run(), tasks=tasks)
    page = written(tmp_path, run, partial=True)
    rows = [
        row
        for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.S)
        for row in re.findall(r"<tr.*?</tr>", body, re.S)
    ]
    told = [(" ".join(re.sub(r"<[^>]*>", " ", row).split())[:24], ">partial<" in row) for row in rows]
    # The table: the task, the other task, two means; then two levels of each task.
    assert [partial for _, partial in told] == [True, False, True, True, True, True, False, False], told
    assert len(re.findall(r"<h3>(?:pass@k|Lengths of replies) <span class=.partial.>", page)) == 2


def test_a_suite_has_its_two_means_by_name(tmp_path):
    # 30 of 40 and 1 of 8 right: means 3/4 and 1/8.
    big, small = [problem(f"p{i}", "cccw") for i in range(10)], [problem("x", "cwww"), problem("y", "wwww")]
    run = dataclasses.replace(a_run(), tasks=a_run(*big).tasks | a_run(*small, task="r1_math_500").tasks)
    page = written(tmp_path, run)
    words = " ".join(re.sub(r"<[^>]*>", " ", page[page.index("<tbody>") : page.index("</tbody>")]).split())
    # (3/4 + 1/8) / 2 = 43.75; (10 * 3/4 + 2 * 1/8) / 12 = 64.58.
    assert re.search(r"mean over 2 tasks 43\.[78] .*mean over 12 problems 64\.6 .*12 problems", words)


def test_the_table_says_how_many_samples_an_error_of_one_percent_would_need(tmp_path):
    # Variances 1/3 and 0: 1/3 / (2 * 0.01)**2 = 833.3.
    assert "a standard error of 1.0 would need 834 samples of each problem" in written(
        tmp_path, a_run(problem("p", "ccww"), problem("q", "cccc"))
    )


def test_a_run_that_lighteval_graded_is_reported_with_what_it_says(tmp_path):
    run = read_run(write_run(tmp_path / "out", {"aime24": [Asked("p", "cw"), Asked("q", "cc")]}, plain=True))
    page = written(tmp_path, run, thinking=for_report(["model"], [run], tokenizer="", partial=False))
    assert "aime24 was graded by LightEval&#39;s own pass@k:k=1&amp;n=2." in page
    assert "it does not say: data hash, grades, extracted answers, finish reasons, seeds." in page
    assert "How replies think is left out of aime24 of model: it has no grades" in page
    found = cells(page)
    assert (found[1], found[6:10]) == ("75.0", ["10", *["not known"] * 3])
    rows = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])["tables"][0]["rows"]
    # Of the first problem one sample is right, nobody knows which; of the second both are.
    assert [(row["cells"], row.get("right")) for row in rows] == [("xx", 1), ("cc", 2)]


@pytest.mark.parametrize(
    ("out", "figures", "words"),
    [
        ("file/report.html", None, "cannot write .*file: Not a directory|cannot write .*file: File exists"),
        ("folder.html", None, "folder.html is a folder; name the page in it"),
        ("report.html", "file/figures", "cannot write .*file/figures: Not a directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_in_one_line(tmp_path, out, figures, words):
    (tmp_path / "file").touch()
    (tmp_path / "folder.html").mkdir()
    folder = None if figures is None else tmp_path / figures
    with pytest.raises(UserError, match=words) as refused:
        report.write_report([a_run(problem("p", "cw"))], out=tmp_path / out, published=lambda *_: (), figures=folder)
    assert "\n" not in str(refused.value)


def test_what_a_run_does_not_say_is_said(tmp_path):
    run = dataclasses.replace(a_run(problem("p", "cw", n_tokens=None)), missing=("finish reasons", "token counts"))
    page = written(tmp_path, run)
    assert "model: it does not say: finish reasons, token counts." in page
    assert cells(page)[7] == "not known"


def test_problems_that_two_runs_mostly_disagree_on_are_marked():
    one = a_run(problem("p", "cccw"), problem("q", "cwww"), problem("r", "cccc"))
    other = a_run(problem("p", "cwww"), problem("q", "cwww"), problem("s", "wwww"))
    a, b = (report.mostly_right(scored_runs.scored("run", run, partial=False), "r1_aime24") for run in (one, other))
    assert report.flipped(a, b) == report.flipped(b, a) == {"id-p"}


@pytest.mark.parametrize(
    ("runs", "labels"),
    [
        ([a_run(model="a/x"), a_run(model="b/y")], ["x", "y"]),
        ([a_run(revision="main"), a_run(revision="sha256:" + "0" * 32)], ["model main", "model sha256:000000000"]),
        ([a_run(revision="step-1"), a_run(revision="step-2")], ["step-1", "step-2"]),
        ([a_run(), a_run()], ["model [0]", "model [1]"]),
    ],
)
def test_runs_are_called_by_what_tells_them_apart(runs, labels):
    assert report.run_labels(runs) == labels


def test_what_was_run_is_told_line_by_line():
    run = Run(
        "org/model", "out", {"model": "org/model", "temperature": 0.6, "extra": {}, "system_prompt": None},
        {"versions": {"vllm": "0.32.0"}, "gpus": ["H100", "H100"], "command": "lighteval vllm x"},
        {"r1_aime24": TaskRun("r1_aime24", 3, "d" * 64, "p" * 64, [])},
    )  # fmt: skip
    lines = dict(report.exact_lines(run))
    assert lines["temperature"] == "0.6" and lines["versions"] == "vllm 0.32.0" and lines["GPUs"] == "2 × H100"
    assert lines["r1_aime24"] == f"task version 3, data {'d' * 64}, prompts {'p' * 64}"
    assert list(lines)[-1] == "command"


def test_a_page_must_be_called_html(tmp_path):
    with pytest.raises(UserError, match="does not end in .html"):
        report.write_report([a_run(problem("p", "cw"))], out=tmp_path / "report.pdf", published=lambda *_: ())


def test_the_same_runs_give_the_same_page(tmp_path):
    run = a_run(problem("p", "cw"))
    assert written(tmp_path / "a", run) == written(tmp_path / "b", run)


def test_the_pictures_come_as_png_and_svg(tmp_path):
    runs = [
        a_run(problem("p", "cwcc", level="1"), problem("q", "cwww", level="2"), model=f"m/$x_{i}^{{$ {i}") for i in "ab"
    ]
    report.write_report(runs, out=tmp_path / "report.html", published=lambda *_: (), figures=tmp_path / "figures")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    expected = ["scores", "r1_aime24_pass_at_k", "r1_aime24_lengths_0", "r1_aime24_lengths_1", "r1_aime24_by_level"]
    assert names == {f"{name}.{ending}" for name in expected for ending in ("png", "svg")}


def test_a_cell_says_truncated_before_it_says_wrong():
    def code(outcome, finish):
        return letter(a_sample(0, "", True, outcome, "", finish, 1, 1, None))

    assert [code(outcome, "length") for outcome in ("correct", "wrong", "no_answer", "undecided")] == [
        "C",
        "t",
        "t",
        "u",
    ]
    assert [code(outcome, "stop") for outcome in ("correct", "wrong", "no_answer", None)] == ["c", "w", "n", "g"]
    assert letter(None) == "o"


def test_thinking_and_answer_are_told_apart_as_the_graders_do():
    assert parts_of(Sample("k", "p", 0, None, "a</think>b", thinking_opened=True)) == ("a", "b")
    assert parts_of(Sample("k", "p", 0, None, "a", thinking_opened=True)) == ("a", None)
    assert parts_of(Sample("k", "p", 0, None, "a", thinking_opened=False)) == ("", "a")


@given(st.text(), st.none() | st.text(), st.integers(4, 40))
def test_an_excerpt_is_bounded_and_says_how_much_it_leaves_out(thinking, answer, characters):
    parts = excerpt((thinking, answer), characters=characters)
    assert sum(len(part) for each in parts for part in each or () if isinstance(part, str)) <= characters
    for each, whole in zip(parts, (thinking, answer or ""), strict=True):
        told = sum(part if isinstance(part, int) else len(part) for part in each or ())
        assert told == len(whole)
        if each is not None:
            assert whole.startswith(each[0]) and whole.endswith(each[-1])


@pytest.mark.parametrize("n_samples", [0, 1, 1_920, 40_000])
def test_all_excerpts_of_a_page_stay_within_its_bound(n_samples):
    assert 300 <= excerpt_characters(n_samples) <= 5_000
    assert n_samples * excerpt_characters(n_samples) <= PAGE_CHARACTERS


@given(st.text(st.characters()))
def test_json_in_a_script_element_comes_back_and_cannot_end_it(text):
    found = script_json([text, {text: text}])
    assert json.loads(found) == [text, {text: text}]
    assert not re.search("[<>&\u2028\u2029\ud800-\udfff]", found)


@pytest.mark.parametrize(("largest", "step"), [(0, 0.2), (5, 1), (32768, 10_000), (9_999, 2_000), (12_000, 2_500)])
def test_an_axis_has_round_steps(largest, step):
    assert drawings.tick_step(largest) == pytest.approx(step)


def test_where_no_spread_was_seen_the_pages_intervals_are_no_points(tmp_path):
    page = written(tmp_path, a_run(*(problem(f"p{i}", "wwww") for i in range(30))))
    assert "0.0 to 3.2" in page and "0.0 to 10.1" in page


def test_both_intervals_are_drawn_and_the_narrow_one_is_wide_enough_to_be_seen():
    rows = [np.array([1.0] * 40), np.array([1.0] * 39 + [0.0])]
    scored = summary.scored("m", summary.estimate(rows), rows, published=())
    drawing = str(drawings.interval(scored))
    (band,) = re.findall(r'<rect class="near"[^>]* width="([\d.]+)"', drawing)
    (low, high) = re.findall(r'class="wide" d="M([\d.]+) 13H([\d.]+)', drawing)[0]
    assert float(band) >= 3 and float(high) - float(low) > float(band)
    assert "same problems: " in drawing and "other problems: " in drawing


def test_lengths_stand_on_a_scale_that_doubles():
    edges = drawings.length_edges([3, 100, 30_000])
    assert (edges[0], edges[-1]) == (2.0, 32768.0)
    # four bins to each doubling
    assert np.allclose(edges[4:] / edges[:-4], 2)
    shown = str(drawings.lengths(summary.Lengths("m", [3, 100], [30_000, 0], "tokens")))
    assert shown.count("1 right") == 2 and shown.count("1 others") == 2
    assert drawings.length_edges([]).tolist() == drawings.length_edges([1]).tolist()


def test_two_runs_have_their_difference_with_p_and_what_was_gained_and_lost(tmp_path):
    names = [f"p{at}" for at in range(8)]
    first = a_run(*(problem(name, "cwww") for name in names), model="a/first")
    second = a_run(*(problem(name, "wwww" if name == "p0" else "cccc") for name in names), model="b/second")
    page = written(tmp_path, first, second)
    table = page[page.index("<h2>Differences</h2>") : page.index("<h2>Problems and samples</h2>")]
    words = " ".join(re.sub("<[^>]*>", " ", table).split())
    # 25 % and 7 of 8 problems
    assert "r1_aime24 second +62.5" in words and "&lt; 0.001" in words
    assert "second is better on these problems" in words and "+7 p1 p2" in words and "−0" in words
    assert 'href="#r1_aime24/p1/0/second"' in table
    assert "<h2>Differences</h2>" not in written(tmp_path, first)
