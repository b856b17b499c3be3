"""Suites, subsets and limits: what is asked of each task, and that no number of a part passes for one of the whole."""

import ast
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from runs import asked, write_run

from lighteval_r1.cli.evaluate import task_specs
from lighteval_r1.graders.marks import Chosen
from lighteval_r1.hub.proposals import check_whole
from lighteval_r1.hub.published import published_run
from lighteval_r1.records import Problem, RunProblem, Settings, TaskRun, UserError
from lighteval_r1.report.comparison import compare
from lighteval_r1.runs.locate import run_files
from lighteval_r1.runs.reading import read_run
from lighteval_r1.sampling import journal_files
from lighteval_r1.sampling.work import Work
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.specs import parse_spec
from lighteval_r1.tasks.suites import shipped_suites
from lighteval_r1.tasks.task import task_rows

MIX = """about: Two tasks.
tasks:
  demo_sums: {level: [1, 5], n: 2, weight: 3}
  demo_choices: {limit: 4, weight: 1}
"""


def written(folder, text: str) -> str:
    path = folder / "suite.yaml"
    path.write_text(text)
    return str(path)


def test_a_suite_says_subsets_limits_samples_and_weights(tmp_path):
    sums, choices = task_specs(written(tmp_path, MIX), n=None)
    levels = [row["level"] for row in task_rows(sums.task)]
    assert set(levels) == {1, 5} and len(levels) == sum(row["level"] in (1, 5) for row in TASKS["demo_sums"].rows())
    assert task_rows(choices.task) == TASKS["demo_choices"].rows()[:4]
    assert (sums.n, sums.task.weight, choices.n, choices.task.weight) == (2, 3.0, 4, 1.0)


def test_a_limit_is_for_every_task_and_the_lowest_counts(tmp_path):
    specs = task_specs(written(tmp_path, MIX), n=1, limit=6)
    assert [len(task_rows(spec.task)) for spec in specs] == [6, 4]
    with pytest.raises(UserError, match="LIMIT=0: at least one problem"):
        task_specs("aime24", n=None, limit=0)


@pytest.mark.parametrize(
    "said", ["math_500@n=2@level=5@level=4@limit=3@weight=0.5", "math_500@subject=Counting & Probability", "aime24@n=3"]
)
def test_a_specification_is_read_again_as_it_is_written_and_lighteval_takes_it(said):
    spec = parse_spec(said)
    assert parse_spec(str(spec)) == spec
    # As LightEval 0.13.0's Registry splits it.
    name, *options = str(spec).split("|")[0].split("@")
    assert "," not in str(spec) and {key: ast.literal_eval(value) for key, value in (o.split("=") for o in options)}
    assert name == spec.task.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: {}", "names no task under tasks"),
        ("- aime24", "is no suite: it holds tasks, and about, not a list"),
        ("tasks: [aime24]\nweights: 3", "is no suite: it holds tasks, and about, not tasks, weights"),
        ("tasks: {aime24: {", "not YAML"),
        ("tasks: {aime24: 3}", "aime24: options are a mapping such as {level: 5, weight: 2}, not 3"),
        ("tasks: {aime24: {weight: 2}, amc23: }", "aime24 has a weight and amc23 none"),
        ("tasks: {aime24: {weight: 0}}", "weight=0 is not a number above 0"),
        ("tasks: {aime24: {limit: -1}}", "limit=-1 is not a number of problems"),
        ("tasks: {aime24: {level: 5}}", "'level' is none, it has no groups"),
        ("tasks: {math_500: {level: 6}}", "r1_math_500 has no level '6'; there are 1, 2, 3, 4, 5"),
        ("tasks: {math_500: {levels: 5}}", "'levels' is none, its groups are level, subject"),
        ("tasks: {aime24: {n: 0}}", "n=0 is not a number of samples"),
        ("tasks: [aime24, aime_2024]", "r1_aime24 is asked for twice"),
        ("tasks: [aime42]", "there is no task 'aime42'"),
    ],
)
def test_a_suite_with_a_mistake_is_one_line(text, message, tmp_path):
    with pytest.raises(UserError, match=message):
        task_specs(written(tmp_path, text), n=None)


def test_a_suite_that_is_not_there_names_those_that_came_along():
    with pytest.raises(UserError, match=r"cannot read the suite mine.yaml.*suite:deepseek-r1, suite:mix-728"):
        task_specs("mine.yaml", n=None)


def test_what_came_along_is_found_from_anywhere_and_can_be_asked(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert {"mix-728", "deepseek-r1"} <= set(shipped_suites())
    for name in shipped_suites():
        assert task_specs(f"recipes/suites/{name}.yaml", n=None) == task_specs(f"suite:{name}", n=None)
    mix = [spec.task for spec in task_specs("suite:mix-728", n=None)]
    assert sum(task.n_problems for task in mix) == 728 and {task.weight for task in mix} == {1.0}


def test_problems_of_ones_own_lie_beside_their_suite(tmp_path, monkeypatch):
    from lighteval_r1.outside import variables

    monkeypatch.setenv(variables.OWN_PROBLEMS.name, "")
    rows = [{"question": f"{i} + 1?", "answer": i + 1} for i in range(5)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite = written(tmp_path, "tasks: {mine.jsonl: {limit: 2, weight: 2}, demo_sums: {weight: 1}}")
    from lighteval_r1.cli.options import ProblemOptions

    first, _ = task_specs(suite, n=None, problems=ProblemOptions())
    assert str(first) == "own_mine@n=4@asks='limit:2;weight:2.0'|0" and len(task_rows(first.task)) == 2


def test_a_part_says_what_it_is_and_a_limit_that_leaves_nothing_out_does_not():
    portion = parse_spec("math_500@level=4@level=5@limit=20").task.portion
    assert portion.words(n_asked=20, n_all=500) == "level 4 or 5, first 20"
    assert portion.words(n_asked=12, n_all=500) == "level 4 or 5"
    assert parse_spec("aime24@limit=30").task.portion.words(n_asked=30, n_all=30) == ""


@pytest.fixture
def part(tmp_path):
    """A run of the first two problems of AIME 2024, and of a weighted task; then as a whole run's results say it."""
    folder = write_run(tmp_path / "run", {"r1_aime24": asked(p="cw", q="cc"), "r1_math_500": asked(x="ww", y="cw")})
    (results,) = folder.rglob("results_*.json")
    said = json.loads(results.read_text())
    tasks = said["config_general"]["model_config"]["lighteval_r1"]["tasks"]
    tasks["r1_aime24|0"] |= {"part": "first 2", "weight": 3.0}
    tasks["r1_math_500|0"] |= {"weight": 1.0}
    results.write_text(json.dumps(said))
    return folder


def test_a_part_is_marked_in_every_table_and_on_the_page(part, tmp_path, main):
    code, said, _ = main("results", part)
    # 3/4 * 3/4 + 1/4 * 1/4 = 62.5
    assert code == 0 and "r1_aime24 (first 2)" in said and "weighted 3 : 1" in said and " 62.5 " in said
    assert "r1_aime24 A (first 2)" in compare([str(part)])
    assert main("report", part, "-o", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert "A part of r1_aime24 was asked of model: first 2." in page and "r1_aime24 (first 2)" in page
    assert "mean weighted 3 : 1" in page


def pushed(run, folder):
    """What is pushed of a run, and the copy of the repository as a run."""
    published = published_run(run_files(run), folder / "made", gated=["r1_gpqa_diamond"])
    for name, content in published.files.items():
        path = folder / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return published, read_run(folder / "copy")


def test_a_part_is_marked_where_it_is_pushed_and_is_not_proposed(part, tmp_path):
    published, copy = pushed(part, tmp_path)
    assert published.lines[0][-1].startswith("only first 2 of its problems. ")
    assert (copy.tasks["r1_aime24"].part, copy.tasks["r1_aime24"].weight) == ("first 2", 3.0)
    with pytest.raises(UserError, match="only first 2 was asked, and a part of a benchmark is not proposed"):
        check_whole("r1_aime24", copy.tasks["r1_aime24"])


def test_problems_of_ones_own_are_pushed_as_a_config_and_read_back(tmp_path):
    run = write_run(tmp_path / "run", {"own_sums": asked(p="cw", q="cc")})
    published, copy = pushed(run, tmp_path)
    assert published.configs == ["own_sums"] and published.withheld == []
    assert [problem.name for problem in copy.tasks["own_sums"].problems] == ["p", "q"]


def test_means_are_over_the_tasks_that_all_runs_have(part, tmp_path):
    other = write_run(
        tmp_path / "other",
        {"r1_math_500": asked(x="cc", y="cc"), "r1_aime24": asked(p="cc", q="cc"), "r1_amc23": asked(z="ww")},
    )
    said = compare([str(part), str(other)])
    lines = {line.partition("  ")[0]: line for line in said.splitlines()}
    assert " 50.0 " in lines["over 2 tasks A"] and " 100.0 " in lines["over 2 tasks B"]
    assert "Not in the means, as not every run has it: r1_amc23." in said
    # The other run has no weights, so there is none in common.
    assert "weighted" not in said
    assert "r1_aime24 (first 2 against all)" in said


def test_groups_stand_with_their_counts_in_a_runs_own_table(tmp_path, main):
    from runs import Asked

    problems = [Asked(f"p{i}", "cw" if i else "cc", groups={"level": str(1 + i % 2)}) for i in range(5)]
    code, said, _ = main("results", write_run(tmp_path, {"r1_math_500": problems}))
    # Level 1: p0, p2, p4; level 2: p1, p3.
    assert code == 0 and "r1_math_500 by level (95 % same problems; problems): 1: 66.7 (" in said
    assert "; 3), 2: 50.0 (" in said and "; 2)." in said


def test_a_task_is_asked_as_its_command_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTEVAL_R1_ERROR", "1.5")
    spec = parse_spec("demo_sums@n=2@limit=4@weight=3|0")
    problems = [spec.task.problem(row) for row in task_rows(spec.task)]
    settings = Settings("m", "r", None, "", 0.6, 0.95, 0, 10, 0)
    engine = SimpleNamespace(settings=settings, chosen=Chosen("deepseek_r1"))
    work = Work.of_spec(spec, problems, engine=engine, cache_dir=str(tmp_path), shard=None)
    work.journal.close()
    said = {"marks": engine.chosen.key, "part": spec.task.part(4), "weight": 3.0, "error": 0.015}
    assert work.asked == journal_files.Asked(2, spec.task.version, **said) and work.task == "demo_sums|0"
    ids = [problem.id for problem in problems]
    assert journal_files.read_asked(work.journal.folder) == replace(work.asked, problem_ids=ids)


def test_a_run_under_way_says_its_part_and_a_later_whole_run_has_its_samples(tmp_path):
    settings = Settings("m", "r", None, "", 0.6, 0.95, 0, 10, 0)
    problems = [Problem(f"{i}?", "1", "expression") for i in range(3)]
    how = {"settings": settings, "cache_dir": str(tmp_path)}
    first = Work.open("r1_aime24|0", problems[:1], journal_files.Asked(1, 2, part="first 1", weight=2.0), **how)
    first.journal.close()
    run = read_run(first.journal.folder)
    assert (run.tasks["r1_aime24"].part, run.tasks["r1_aime24"].weight) == ("first 1", 2.0)
    whole = Work.open("r1_aime24|0", problems, journal_files.Asked(1, 2), **how)
    whole.journal.close()
    assert whole.journal.folder == first.journal.folder and set(first.keys(problems[0])) <= set(whole.keys(problems[0]))
    assert read_run(whole.journal.folder).tasks["r1_aime24"].part == ""


def test_a_task_run_is_called_by_its_part():
    assert TaskRun("t", 1, "", "", [RunProblem("p")], part="level 5").title == "t (level 5)"
