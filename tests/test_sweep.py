"""Several efforts or budgets of thinking: a run for each, one table and one picture."""

import pytest

from lighteval_r1.cli.evaluate import EvaluateOptions
from lighteval_r1.cli.submit import SubmitOptions
from lighteval_r1.cli.sweep import Sweep, sweep_table
from lighteval_r1.engines.model_section import ModelSection
from lighteval_r1.numbers.intervals import interval
from lighteval_r1.numbers.tables import INTERVAL_HEADERS, Row
from lighteval_r1.records import Estimate, UserError

BASE = ModelSection(template_args={"a": 1}, reasoning_parser="qwen3")


def test_each_value_is_a_run_of_its_own():
    assert Sweep.of(BASE, budgets="") is None
    budgets = Sweep.of(BASE, budgets="2048, 8192,0")
    assert budgets.name == "thinking_budget" and list(budgets.sections) == ["2048", "8192", "0"]
    assert [section.thinking_budget for section in budgets.sections.values()] == [2048, 8192, 0]
    efforts = Sweep.of(ModelSection(effort="low,high", thinking_budget=5), budgets="")
    assert efforts.name == "effort" and efforts.sections["high"] == ModelSection(effort="high", thinking_budget=5)


@pytest.mark.parametrize(
    ("section", "budgets", "message"),
    [
        (ModelSection(effort="low,high"), "2048", "a run each: say one effort"),
        (ModelSection(thinking_budget=5), "2048", "a run each: say one effort"),
        (BASE, "2048,many", "'many' is not a number of tokens"),
        (BASE, "2048,-1", "'-1' is not a number"),
        (BASE, "8,8", "each value once"),
        (ModelSection(effort="low,,high"), "", "none empty"),
    ],
)
def test_what_is_no_sweep_is_refused(section, budgets, message):
    with pytest.raises(UserError, match=message):
        Sweep.of(section, budgets=budgets)


def test_only_evaluate_takes_several_efforts():
    EvaluateOptions(effort="low,high")
    with pytest.raises(UserError, match="one run has one effort"):
        SubmitOptions(effort="low,high")


def test_every_run_is_checked_before_any_begins(main, tmp_path):
    for said, message in (
        (["--budgets", "16,99999", "--reasoning-parser", "none"], "must know the marks of thinking"),
        (["--budgets", "16,99999", "--reasoning-parser", "qwen3"], "thinking_budget 99999 leaves no room"),
        (["--effort", "low,high"], "effort low: the chat template of"),
    ):
        code, printed, refused = main("evaluate", *said, "--output-dir", tmp_path / "out")
        assert (code, printed, refused.count("\n")) == (2, "", 1) and message in refused
        assert not (tmp_path / "out").exists()


def row(task: str, value: float, se: float | None, tokens: float | None) -> Row:
    same = interval(value, se, n_least=120) if se else None
    return Row(task, Estimate(value, se, 0.05, 30, 120, same, (0.3, 0.7)), 3, 4, 0, tokens)


ROWS = [
    ("low", row("a|0", 0.5, 0.02, 1000)), ("low", row("b|0", 0.25, None, 900)),
    ("high", row("a|0", 0.75, 0.01, 8000)), ("high", row("b|0", 0.5, None, None)),
]  # fmt: skip


def test_one_table_goes_task_by_task():
    lines = [line.split("  ") for line in sweep_table("effort", ROWS).splitlines()]
    shown = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert shown[0] == ["task", "effort", "pass@1", *INTERVAL_HEADERS, "samples", "truncated", "mean tokens"]
    # by hand: 0.5 with an error of 0.02 is as a binomial of 625; Student's quantile for 119 is 1.980; Wilson's 0.46 to 0.54
    assert shown[2] == ["a|0", "low", "50.0", "46.1 to 53.9", "30.0 to 70.0", "120", "3", "1000"]
    assert [line[:2] for line in shown[2:]] == [["a|0", "low"], ["a|0", "high"], ["b|0", "low"], ["b|0", "high"]]
    assert shown[4] == ["b|0", "low", "25.0", "–", "30.0 to 70.0", "120", "3", "900"]


def test_one_picture_a_task_shows_the_score_over_the_tokens(tmp_path):
    from lighteval_r1.report.pictures import sweep_figure, write_sweep

    paths = write_sweep("effort", ROWS, tmp_path)
    assert [path.name for path in paths] == ["a-0_effort.png", "a-0_effort.svg", "b-0_effort.png", "b-0_effort.svg"]
    (axes,) = sweep_figure("a|0", "effort", ROWS[::2]).axes
    assert [(text.get_text(), *text.xy) for text in axes.texts] == [("low", 1000, 50.0), ("high", 8000, 75.0)]
    assert axes.get_xlabel() == "mean tokens of a reply" and "95 % interval" in axes.get_title(loc="left")
    bars = [line.get_ydata() for line in axes.lines if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2]
    assert [round(float(end), 1) for end in bars[0]] == [46.1, 53.9]
