"""What `lighteval-r1 think` prints, draws and writes; looked at in a real Chromium where there is one."""

import json
import math
import re
from xml.etree import ElementTree

import pytest
from browser import console, open_page
from runs import asked, write_run
from test_thinking import LONG, RIGHT, a_problem, a_run, words_tokenizer
from typer.testing import CliRunner

from lighteval_r1 import cli
from lighteval_r1.records import UserError
from lighteval_r1.report import contents as report
from lighteval_r1.report.page.panels import panel
from lighteval_r1.report.page.thinking_section import write_page
from lighteval_r1.thinking.measure_runs import Choice, measure_runs
from lighteval_r1.thinking.summary import level_places, panels

NEVER = "Wait, it is = 41 </think> 41"


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("tokenizer")
    words_tokenizer().save(str(folder / "tokenizer.json"))
    return str(folder)


def levels(*values: str, reply: str = RIGHT, model: str = "org/model", outcome: str = "correct"):
    problems = [
        a_problem(f"{value}{at}", reply, LONG if reply == RIGHT else reply, outcome=outcome, level=value)
        for value in values
        for at in range(2)
    ]
    return a_run(problems, model=model)


def told(words: str, *runs):
    return measure_runs(report.run_labels(runs), runs, choice=Choice(tokenizer=words))


def by_name(words: str, *runs) -> dict:
    return {each.measure.name: each for each in panels(told(words, *runs).tasks[0])}


def test_the_six_measures_are_drawn_over_levels_one_line_per_run(words):
    found = by_name(words, levels("1", "2", model="a/x"), levels("2", "3", model="b/y"))
    assert list(found) == ["tokens", "first_correct", "reflection", "efficiency", "thoughts", "accuracy"]
    # T: 4 and 8 in each problem, so 6 on each level; no spread between problems.
    assert found["tokens"].lines == [
        ("x", [(1.0, 6.0, None), (2.0, 6.0, None)]),
        ("y", [(2.0, 6.0, None), (3.0, 6.0, None)]),
    ]
    assert found["tokens"].ticks == [(1.0, "1"), (2.0, "2"), (3.0, "3")]


def test_a_missing_level_leaves_its_place_empty(words):
    found = by_name(words, levels("Level 1", "Level 5"))["accuracy"]
    assert [x for x, _, _ in found.lines[0][1]] == [1.0, 5.0] and len(found.ticks) == 5


def test_no_line_bridges_a_missing_level(words):
    from lighteval_r1.report.thinking_pictures import with_gaps

    found = by_name(words, levels("1", "2", "4", "5"))["tokens"]
    (curve,) = re.findall(r'class="curve run-0" d="(M[^"]*L[^"]*)"', str(panel(found)))
    assert (curve.count("M"), curve.count("L")) == (2, 2)
    shown = with_gaps(found.lines[0][1])
    assert [x for x, value, _ in shown if math.isnan(value)] == [3.0] and len(shown) == 5


def test_levels_in_words_stand_side_by_side():
    assert level_places(["easy", "hard"]) == {"easy": 0.0, "hard": 1.0}


def test_a_run_that_never_reaches_the_gold_has_empty_panels_that_say_so(words):
    found = by_name(words, levels("1", "2", reply=NEVER, outcome="wrong"))
    assert found["first_correct"].lines == [("model", [])] and found["first_correct"].top == 0
    assert "no reply has it" in panel(found["first_correct"])
    assert found["thoughts"].lines[0][1][0][1] == 1.0


def test_drawings_fit_their_data_and_are_well_formed(words):
    for each in by_name(
        words, levels("1", "2", model='a/<x>&"'), levels("4", model="b/y"), levels("5", reply=NEVER, model="c/z")
    ).values():
        root = ElementTree.fromstring(str(panel(each)))
        places = [float(circle.get("cy")) for circle in root.iter() if circle.tag.endswith("circle")]
        assert places and all(0 <= y <= 190 for y in places)


def test_runs_without_levels_are_drawn_as_one_point(words):
    run = a_run([a_problem("a", RIGHT), a_problem("b", LONG)], task="r1_aime24")
    found = by_name(words, run)["tokens"]
    assert found.ticks == [(0.0, "all")] and found.lines[0][1] == [
        (0.0, 6.0, (0.0, pytest.approx(6 + 2 * 12.706, abs=1e-3)))
    ]


@pytest.mark.filterwarnings("error::UserWarning")
def test_the_picture_comes_as_png_and_svg(words, tmp_path):
    from lighteval_r1.report.thinking_pictures import write_figures

    for name, runs in {
        "one": [levels("1", "2", "3")],
        "three": [
            levels("1", "2", "5", model="a/$x_{$"),
            levels("2", "3", model="b/y"),
            levels("1", reply=NEVER, model="c/z"),
        ],
        "never": [levels("1", "2", reply=NEVER, outcome="wrong")],
    }.items():
        paths = write_figures(told(words, *runs).tasks, tmp_path / name)
        assert [path.name for path in paths] == ["r1_math_500_thinking.png", "r1_math_500_thinking.svg"]
        assert all(path.stat().st_size > 10_000 for path in paths)
    again = write_figures(told(words, *runs).tasks, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        write_figures([], tmp_path / "file")


def test_the_page_holds_table_drawings_and_notes_and_runs_nothing(words, tmp_path):
    runs = [levels("1", "2", model="a/<script>x"), levels("2", model="b/y")]
    write_page(told(words, *runs), report.run_labels(runs), out=tmp_path / "think.html")
    page = (tmp_path / "think.html").read_text()
    assert page.count("<svg") >= 6 and "<script" not in page and "&lt;script&gt;" in page
    assert "level 2" in page and "tokenized anew" in page and "default-src &#39;none&#39;" in page
    with pytest.raises(UserError, match="does not end in .html"):
        write_page(told(words, *runs), ["x"], out=tmp_path / "think.pdf")


def test_the_report_has_a_section_for_each_task(words, tmp_path):
    run = levels("1", "2")
    report.write_report(
        [run],
        out=tmp_path / "report.html",
        published=lambda *_: (),
        thinking=told(words, run),
        figures=tmp_path / "figures",
    )
    page = (tmp_path / "report.html").read_text()
    assert "How the replies think" in page and "token efficiency" in page
    assert (tmp_path / "figures" / "r1_math_500_thinking.png").exists()


def test_the_page_opens_without_complaint_and_without_sideways_scrolling(words, tmp_path, driver):
    runs = [
        levels("1", "2", "3", "4", "5", model="a/x"),
        levels("1", "4", model="b/y"),
        levels("2", reply=NEVER, outcome="wrong", model="c/z"),
    ]
    write_page(told(words, *runs), report.run_labels(runs), out=tmp_path / "think.html")
    driver.set_window_size(1200, 1000)
    open_page(driver, tmp_path / "think.html")
    assert console(driver) == []
    drawn = driver.find_elements("css selector", ".panels svg")
    assert len(drawn) == 6 and all(each.is_displayed() and each.size["height"] > 100 for each in drawn)
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert len(driver.find_elements("css selector", "table.thinking tbody tr")) == 3 + 2 + 2 + 1 + 2 + 1


def test_unjudged_replies_are_in_no_measure_that_needs_the_first_correct_answer(words, tmp_path):
    from test_judge import Server, judge_of

    server = Server(lambda prompt, _: (400, "") if "asked in b" in prompt else "FIRST CORRECT STEP: 1")
    try:
        run = a_run([a_problem("a", RIGHT, LONG), a_problem("b", RIGHT)])
        found = measure_runs(["run"], [run], choice=Choice(tokenizer=words, judge=judge_of(server, tmp_path)))
    finally:
        server.close()
    (whole,) = found.tasks[0].whole
    assert (whole.n_replies, whole.unknown) == (3, 1)
    # T of all: (4 + 8) / 2 and 4. The judge's step ends with the thinking, so T^ is T of the two judged.
    assert whole.measures["tokens"].value == 5 and whole.measures["first_correct"].value == 6
    assert whole.measures["reached"].n_samples == whole.measures["efficiency_of_all"].n_samples == 2


# ---- the command


def think(*arguments: str):
    return CliRunner().invoke(cli.app, ["think", *arguments], catch_exceptions=True)


def test_the_command_prints_the_table_and_writes_page_and_picture(words, tmp_path):
    run = write_run(tmp_path / "out", {"r1_math_500": asked(p1="ccww", p2="cccc")})
    found = think(str(run), "--tokenizer", words, "-o", str(tmp_path / "think.html"), "--figures", str(tmp_path / "f"))
    assert found.exit_code == 0, found.output
    assert re.search(r"^r1_math_500 +problems +replies +T ", found.output, re.MULTILINE)
    assert re.search(r"^all +2 +8 ", found.output, re.MULTILINE) and "75.0 (1–100)" in found.output
    # the runs' ids spell nothing in this tokenizer, and the reader is told
    assert "their ids do not spell them by this tokenizer" in found.output
    assert (tmp_path / "think.html").exists() and (tmp_path / "f" / "r1_math_500_thinking.png").exists()


@pytest.mark.parametrize(
    ("options", "words_said"),
    [
        (["--judge", "http://127.0.0.1:9/v1"], "--judge-model NAME go together"),
        (["--agree"], "name one with --judge URL --judge-model NAME"),
        (["--tokenizer", "/nowhere"], "there is no tokenizer of /nowhere"),
        (["--max-tokens", "1"], "no reply thinks in at most 1 tokens"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(words, tmp_path, options, words_said):
    run = write_run(tmp_path / "out", {"r1_math_500": asked(p1="cc")})
    tokenizer = [] if "--tokenizer" in options else ["--tokenizer", words]
    found = think(str(run), *tokenizer, *options)
    assert isinstance(found.exception, UserError) and words_said in str(found.exception)
    assert "\n" not in str(found.exception)


def test_a_judge_takes_the_rules_place_and_judged_and_unjudged_are_told_apart(words, tmp_path, monkeypatch):
    from test_judge import Server

    server = Server(lambda prompt, _: (400, "") if "asked in p2" in prompt else "FIRST CORRECT STEP: 1")
    try:
        run = write_run(tmp_path / "out", {"r1_math_500": asked(p1="cc", p2="cc")})
        monkeypatch.chdir(tmp_path)
        options = ["--tokenizer", words, "--judge", server.url, "--judge-model", "org/judge", "--agree"]
        found = think(str(run), *options)
        assert found.exit_code == 0, found.output
        assert "T^ is what org/judge judges: 2 replies judged, 2 unjudged; 4 calls in this run." in found.output
        assert "Unjudged: 2 refused (400" in found.output and "only the judge                       2" in found.output
        (path,) = (tmp_path / "data" / "judge" / "org--judge").glob("judged-*.jsonl")
        assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 1]
        again = think(str(run), *options)
        assert "2 replies judged, 2 unjudged; 2 calls in this run." in again.output
    finally:
        server.close()
