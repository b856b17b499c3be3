"""Every source of a run gives the same Run: journals under way, graded files, pushed rows; reading changes nothing."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml
from runs import asked, write_run

from lighteval_r1.graders.splitting import split_of
from lighteval_r1.hub import rows as hub_rows
from lighteval_r1.hub.card import merged_card
from lighteval_r1.hub.published import published_run
from lighteval_r1.records import (
    DETAIL_FIELDS,
    Grade,
    Outcome,
    Problem,
    Sample,
    Settings,
    sample_key,
    seed_of,
    unpack_token_ids,
)
from lighteval_r1.runs.locate import run_files
from lighteval_r1.runs.overview import sources_under
from lighteval_r1.runs.reading import read_run
from lighteval_r1.sampling.journal import Journal, write_whole
from lighteval_r1.sampling.journal_files import JOURNALS_FILE, Asked, encode_line, journal_folder
from lighteval_r1.sampling.work import Work

SETTINGS = Settings("org/model", "abc", None, "", 0.6, 0.95, 0, 100, 1)
OUTCOMES = {"c": Outcome.CORRECT, "w": Outcome.WRONG, "-": None}


def problem(name: str) -> Problem:
    return Problem(
        f"What is {name}?", "4", "expression", name=name, groups={"level": "1"}, row_sha256=name.encode().hex()
    )


def begin(
    cache: Path, *, n: int = 2, names: str = "ab", settings: Settings = SETTINGS, task: str = "r1_aime24"
) -> Work:
    return Work.open(
        f"{task}|0", [problem(name) for name in names], Asked(n, 1), settings=settings, cache_dir=str(cache)
    )


def draw(work: Work, **outcomes: str) -> Path:
    """draw(work, a="cw", b="-"): samples of problem a right and wrong, one of b without a grade; the journal's folder."""
    for asked_problem in work.problems:
        for index, code in enumerate(outcomes.get(asked_problem.name, "")):
            key = sample_key(problem_id=asked_problem.id, index=index, settings_id=work.journal.settings.id)
            work.journal.add_sample(
                Sample(key, asked_problem.id, index, seed_of(key), "t</think>\\boxed{4}", True, "stop", 3, 5)
            )
            if outcome := OUTCOMES[code]:
                work.journal.add_grade(key, Grade(outcome, "4", "integers"))
    return work.journal.folder


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_journal_is_read_as_a_run_with_its_problems(tmp_path):
    work = begin(tmp_path)
    folder = draw(work, a="cw", b="c-")
    work.journal.close()
    run = read_run(folder)
    task = run.tasks["r1_aime24"]
    assert (run.model, run.settings["temperature"], task.version, task.n, task.n_problems) == (
        "org/model",
        0.6,
        1,
        2,
        2,
    )
    assert [(p.name, p.prompt, p.gold, p.groups) for p in task.problems] == [
        ("a", "What is a?", "4", {"level": "1"}),
        ("b", "What is b?", "4", {"level": "1"}),
    ]
    assert [[sample.outcome for sample in p.samples] for p in task.problems] == [
        ["correct", "wrong"],
        ["correct", None],
    ]
    assert task.owed == ["b[1] (without a grade)"]


def test_a_run_under_way_is_read_without_a_lock_and_without_writing_while_its_last_line_is_unfinished(tmp_path):
    work = begin(tmp_path)
    folder = draw(work, a="cw", b="c")
    (file,) = folder.glob("samples-*.jsonl")
    with file.open("ab") as out:
        out.write(encode_line({"key": "half"})[:20])
    before = state_of(folder)
    begin_s = time.monotonic()
    run = read_run(folder)
    assert time.monotonic() - begin_s < 30, "a lock would be waited for without end"
    assert state_of(folder) == before
    assert run.missing == () and len(run.tasks["r1_aime24"].samples) == 3
    work.journal.close()


def test_a_damaged_line_within_a_journal_is_said_and_its_sample_owed(tmp_path):
    work = begin(tmp_path)
    folder = draw(work, a="cw")
    work.journal.close()
    (file,) = folder.glob("samples-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"stop"', b'"stoP"', 1))
    run = read_run(folder)
    assert run.missing[0].startswith("1 damaged lines (first: ") and "a[0] (not drawn)" in run.tasks["r1_aime24"].owed
    assert not list(folder.glob("*.damaged"))


def test_the_table_of_a_run_under_way_says_partial_on_every_line(tmp_path, main):
    for task in ("r1_aime24", "r1_math_500"):
        work = begin(tmp_path, task=task)
        draw(work, a="cw", b="c")
        work.journal.close()
    code, table, _ = main("results", tmp_path / "lighteval_r1")
    lines = [line for line in table.splitlines() if line.startswith(("r1_aime24 ", "r1_math_500 "))]
    assert code == 0 and len(lines) == 2 and all("(partial)" in line for line in lines)
    assert "r1_aime24: 1 of 4 samples are owed or ungraded, first b[1] (not drawn)." in table


def test_an_output_folder_is_read_through_its_journals_until_it_has_results(tmp_path, main):
    out = tmp_path / "out"
    out.mkdir()
    work = begin(tmp_path / "cache")
    folder = draw(work, a="cc", b="w")
    work.journal.close()
    write_whole(out / JOURNALS_FILE, json.dumps([str(folder)]).encode())
    assert "(partial)" in main("results", out)[1]
    write_run(out, {"r1_aime24": asked(p="cccc")})
    code, table, _ = main("results", out)
    assert code == 0 and "partial" not in table and " 100.0 " in table


@pytest.mark.parametrize(
    "command", [("compare",), ("report", "--no-thinking", "-o", "PAGE"), ("view", "--bundle", "SITE", "--logs", "LOGS")]
)
def test_an_unfinished_journal_is_compared_and_reported_where_partial_is_said(tmp_path, main, command):
    work = begin(tmp_path)
    folder = draw(work, a="cw", b="c")
    work.journal.close()
    places = {name: tmp_path / name.lower() for name in ("SITE", "LOGS")} | {"PAGE": tmp_path / "page.html"}
    arguments = [places.get(part, part) for part in command[1:]]
    if command[0] != "view":
        code, _, refused = main(command[0], folder, *arguments)
        assert code != 0 and "1 of 4 samples are owed or ungraded" in refused
        arguments.append("--partial")
    code, _, error = main(command[0], folder, *arguments)
    assert code == 0, error
    if command[0] == "report":
        assert "What is a?" in places["PAGE"].read_text() and "partial" in places["PAGE"].read_text()


def test_a_journal_without_problems_takes_them_from_the_tasks_data(tmp_path, main):
    folder = journal_folder(str(tmp_path), task="demo_sums", settings=SETTINGS)
    from lighteval_r1.tasks import TASKS

    first = TASKS["demo_sums"].problem(TASKS["demo_sums"].rows()[0])
    journal = Journal(folder, settings=SETTINGS, version=1)
    key = sample_key(problem_id=first.id, index=0, settings_id=SETTINGS.id)
    journal.add_sample(Sample(key, first.id, 0, seed_of(key), "x", False, "stop", 3, 5))
    journal.add_grade(key, Grade(Outcome.NO_ANSWER, "", "nothing"))
    journal.close()
    assert not (folder / "problems.jsonl").exists()
    (read,) = read_run(folder).tasks["demo_sums"].problems
    assert (read.prompt, read.gold, read.name) == (first.prompt, first.gold, first.name)


def test_a_journal_whose_problems_are_nowhere_is_compared_and_says_what_is_missing(tmp_path, main):
    work = begin(tmp_path, task="somebodys_task")
    folder = draw(work, a="cw", b="cc")
    work.journal.close()
    (folder / "problems.jsonl").unlink()
    code, table, _ = main("compare", folder)
    assert code == 0 and "it does not say: prompts and golds." in table and " 75.0 " in table


def test_of_several_settings_in_a_folder_the_last_written_is_read_and_models_are_told_apart(tmp_path, main):
    for temperature in (0.6, 0.7):
        work = begin(tmp_path, settings=Settings("org/model", "abc", None, "", temperature, 0.95, 0, 100, 1))
        draw(work, a="cc", b="cc")
        work.journal.close()
        time.sleep(0.01)
    assert read_run(tmp_path / "lighteval_r1").settings["temperature"] == 0.7
    work = begin(tmp_path, settings=Settings("org/other", "abc", None, "", 0.6, 0.95, 0, 100, 1))
    draw(work, a="cc", b="cc")
    work.journal.close()
    code, _, refused = main("results", tmp_path / "lighteval_r1")
    assert code == 2 and "holds journals of 2 models (org--model, org--other" in refused


def graded_file(folder: Path, main) -> Path:
    path = folder / "replies.jsonl"
    rows_of_file = [
        {"problem": f"What is {i} + 1?", "answer": str(i + 1), "gen": [f"\\boxed{{{i + 1}}}", "\\boxed{0}"]}
        for i in range(4)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows_of_file))
    assert main("score", path, "--task", "r1_math_500")[0] == 0
    return path


def test_what_score_graded_is_a_run_for_every_command(tmp_path, main):
    path = graded_file(tmp_path, main)
    run = read_run(path)
    assert (run.model, list(run.tasks)) == ("replies", ["r1_math_500"])
    assert [sample.outcome for sample in run.tasks["r1_math_500"].samples] == ["correct", "wrong"] * 4
    for command in (("results",), ("compare",), ("report", "--no-thinking", "-o", tmp_path / "page.html")):
        code, printed, error = main(command[0], path, *command[1:])
        assert code == 0, error
        if command[0] != "report":
            assert " 50.0 " in printed
    assert "What is 3 + 1?" in (tmp_path / "page.html").read_text()


def test_grades_that_do_not_say_their_task_are_refused_in_one_line(tmp_path, main):
    path = graded_file(tmp_path, main)
    beside = path.with_name(path.name + ".grades.jsonl")
    lines = [json.loads(line) for line in beside.read_text().splitlines()]
    beside.write_text("".join(json.dumps({k: v for k, v in line.items() if k != "task"}) + "\n" for line in lines))
    code, _, refused = main("results", path)
    assert code == 2 and "does not say whose grader graded. Grade anew: lighteval-r1 score" in refused


def test_pushed_rows_are_read_back_as_the_run_they_came_from(tmp_path, main):
    out = write_run(tmp_path / "out", {"r1_aime24": asked(p="ccww", q="cnwu", r="c-tc")})
    before, after = read_run(out), read_run(pushed(out, tmp_path / "pushed"))
    assert (after.model, after.settings, after.environment) == (before.model, before.settings, before.environment)
    (task,), (again,) = before.tasks.values(), after.tasks.values()
    for problem in task.problems:
        # Where it thinks was worked out by the push.
        problem.samples[:] = [replace(sample, split=split_of(sample).packed()) for sample in problem.samples]
    assert again == task
    (tmp_path / "pushed" / "lighteval").rename(tmp_path / "elsewhere")
    alone = read_run(tmp_path / "pushed")
    assert (alone.model, alone.settings) == ("org/model", {}) and alone.missing[:2] == ("settings", "data hash")
    assert alone.tasks["r1_aime24"].problems == task.problems
    assert main("compare", tmp_path / "pushed", "--partial")[0] == 0


def rebuilt(rows: list[dict]) -> dict:
    """A problem's row in LightEval's file, from those that were pushed."""
    said = json.loads(rows[0]["details"])
    samples = [{name: row.get(COLUMN.get(name, name)) for name in DETAIL_FIELDS} for row in rows]
    specific = {
        name: rows[0][f"problem_{name}" if name == "name" else name] for name in ("problem_id", "name", "grader")
    }
    specific |= {"groups": rows[0]["groups"], "samples": samples, **said["specific"]}
    response = {"input": rows[0]["input"], "text": [row["reply"] for row in rows], **said["model_response"]}
    return {
        "doc": {"query": rows[0]["prompt"], "specific": specific, **said["doc"]},
        "metric": json.loads(rows[0]["metric"]),
        "model_response": response,
    }


COLUMN = {"index": "sample_index"}


def test_pushed_rows_say_all_that_lightevals_details_say(tmp_path):
    """Of each row its parts are compared, whatever column they came from; only where a reply thinks is more than was there."""
    out = write_run(tmp_path / "out", {"r1_aime24": asked(p="ccww", q="cnwu", r="c-tc")})
    (details,) = (path for path in out.rglob("details_*.parquet"))
    (path,) = pushed(out, tmp_path / "pushed").glob("rows/*/*.parquet")
    rows = parquet.read_table(path).to_pylist()
    wanted = parquet.read_table(details).to_pylist()
    for number, want in enumerate(wanted):
        got = rebuilt(rows[4 * number : 4 * number + 4])
        for sample in got["doc"]["specific"]["samples"]:
            assert sample.pop("split") and not sample.pop("marks")
        for sample in want["doc"]["specific"]["samples"]:
            del sample["split"], sample["marks"]
            sample["outcome"] = sample["outcome"] or None
        want["model_response"]["output_tokens"] = got["model_response"].setdefault("output_tokens", [])
        assert got == want


def test_rows_of_lightevals_own_engine_keep_its_tokens_metrics_and_what_it_made_of_replies(tmp_path):
    out = write_run(tmp_path / "out", {"aime24": asked(p="cw", q="cc")}, plain=True)
    (path,) = pushed(out, tmp_path / "pushed").glob("rows/*/*.parquet")
    rows = parquet.read_table(path).to_pylist()
    assert [len(unpack_token_ids(row["token_ids"])) for row in rows] == [10, 11, 10, 11]
    before, after = (read_run(folder).tasks["aime24"] for folder in (out, tmp_path / "pushed"))
    assert [problem.metric for problem in before.problems] == [problem.metric for problem in after.problems]
    assert rows[0]["text_post_processed"] is None and json.loads(rows[0]["details"])["doc"]["choices"] == ["42"]


def test_rows_are_written_in_groups_that_the_hubs_viewer_reads(tmp_path, monkeypatch):
    out = write_run(tmp_path / "out", {"r1_aime24": asked(**{f"p{i}": "ccww" for i in range(20)})})
    (path,) = pushed(out, tmp_path / "one").glob("rows/*/*.parquet")
    assert parquet.ParquetFile(path).num_row_groups == 1
    monkeypatch.setattr(hub_rows, "GROUP_BYTES", 5000)
    (many,) = pushed(out, tmp_path / "many").glob("rows/*/*.parquet")
    file = parquet.ParquetFile(many)
    assert 5 < file.num_row_groups < 40
    assert parquet.read_table(many) == parquet.read_table(path)


def test_load_dataset_reads_pushes_of_both_kinds_beside_each_other(tmp_path):
    """The kind before had the thinking as a column, and fewer others; nothing in its card names columns."""
    import datasets

    folder = pushed(write_run(tmp_path / "out", {"r1_aime24": asked(p="cw", q="cc")}), tmp_path / "pushed")
    (new,) = folder.glob("rows/*/*.parquet")
    old = parquet.read_table(new).select(["problem_id", "reply", "outcome"])
    parquet.write_table(old.append_column("thinking", old["reply"]), new.with_name("2025_01_01.parquet"))
    before = [{"split": "2025_01_01", "path": "rows/r1_aime24/2025_01_01.parquet"}]
    head = yaml.safe_dump({"configs": [{"config_name": "r1_aime24", "data_files": before}]})
    files = run_files(tmp_path / "out")
    card = merged_card(f"---\n{head}---\n", published_run(files, tmp_path / "again", gated=[]), repo="me/details")
    assert merged_card(card, published_run(files, tmp_path / "third", gated=[]), repo="me/details") == card
    (folder / "README.md").write_text(card)
    read = {
        split: datasets.load_dataset(str(folder), "r1_aime24", split=split, cache_dir=str(tmp_path / "cache"))
        for split in ("latest", "2025_01_01")
    }
    assert read["2025_01_01"]["thinking"] == read["latest"]["reply"] and set(read["latest"]["thinking"]) == {None}
    assert set(read["2025_01_01"]["split"]) == {None} and all(read["latest"]["split"])


def pushed(out: Path, folder: Path) -> Path:
    """The folder with what a push of the run puts into a repository."""
    published = published_run(run_files(out), folder / "written", gated=[])
    for path, content in published.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    shutil.rmtree(folder / "written")
    return folder


def test_runs_behind_links_are_read_and_a_link_back_ends_nothing(tmp_path, main):
    """On clusters the folders of runs and journals are links to a larger disk."""
    work = begin(tmp_path / "disk" / "cache")
    folder = draw(work, a="cc", b="cc")
    work.journal.close()
    home = tmp_path / "home"
    (home / "evals").mkdir(parents=True)
    (home / "evals" / "run").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "journals.json").write_text(json.dumps([str(folder)]))
    (tmp_path / "disk" / "back").symlink_to(home)
    assert main("runs", "--cache-dir", home / "evals" / "run" / "cache")[0] == 0
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "lighteval_r1").symlink_to(tmp_path / "disk" / "cache" / "lighteval_r1")
    assert " 4 " in main("runs", "--cache-dir", tmp_path / "linked")[1]
    assert [str(path) for path in sources_under(home)] == [str(home / "evals" / "run")]
