"""A run as Inspect logs: read back with Inspect's own reader, and as its static site."""

import dataclasses
import importlib.util

import pytest
from runs import a_sample

from lighteval_r1.records import Run, RunProblem, Sample, TaskRun, UserError

# importing it takes every test process seconds
if importlib.util.find_spec("inspect_ai") is None:
    pytest.skip("needs Inspect (the extra `view`)", allow_module_level=True)

SETTINGS = {"temperature": 0.6, "top_p": 0.95, "max_tokens": 4096}


def sample(index: int, outcome: str | None, reply: str, *, finish: str | None = "stop") -> Sample:
    return a_sample(index, reply, True, outcome, "204", finish, 7, 1000 + index, None)


def a_run(tmp_path, *problems: RunProblem) -> Run:
    task_run = TaskRun("r1_aime24", 2, "d" * 64, "p" * 64, list(problems))
    environment = {"versions": {"lighteval": "0.13.0"}, "command": "lighteval vllm …"}
    return Run("a/model", str(tmp_path), SETTINGS, environment, {"r1_aime24": task_run})


@pytest.fixture
def run(tmp_path):
    samples = [
        sample(0, "correct", "thinking</think>It is \\boxed{204}."),
        sample(1, "no_answer", "thinking without end", finish="length"),
    ]
    other = [sample(0, "wrong", "<b>x</b></think>5"), sample(1, "undecided", "x</think>$9^{9^9}$", finish=None)]
    return a_run(
        tmp_path,
        RunProblem("0" * 16, "2024-I-1", "How many $x$?", "204", "expression", {"level": "1"}, samples),
        RunProblem("1" * 16, "", "How many $y$?", "7", "expression", {}, other),
    )


@pytest.fixture(scope="module")
def view():
    from lighteval_r1.report import inspect_logs

    return inspect_logs


@pytest.fixture
def logged(view):
    """The run written as a log into the folder, and read back."""
    from inspect_ai.log import read_eval_log

    def written(run: Run, folder):
        (path,) = view.write_logs(run, folder)
        return read_eval_log(str(path))

    return written


def samples_of(log) -> list:
    """In the order of problems' names and samples: Inspect's reader has one of its own."""
    return sorted(log.samples, key=lambda each: (each.id, each.epoch))


def test_every_sample_is_logged_with_its_outcome_in_inspects_letters(run, logged, tmp_path):
    samples = samples_of(logged(run, tmp_path / "logs"))
    found = [(each.id, each.epoch, each.scores["pass@1"].value) for each in samples]
    assert found == [("1" * 16, 1, "I"), ("1" * 16, 2, "I"), ("2024-I-1", 1, "C"), ("2024-I-1", 2, "N")]
    assert "stopped by its limit" in samples[1].scores["pass@1"].explanation


def test_thinking_is_logged_as_reasoning_and_the_answer_as_text(run, logged, tmp_path):
    samples = samples_of(logged(run, tmp_path / "logs"))
    reasoning, answer = samples[2].output.choices[0].message.content
    assert (reasoning.type, reasoning.reasoning) == ("reasoning", "thinking")
    assert answer.text == "It is \\boxed{204}."
    assert samples[3].output.choices[0].message.text == ""
    assert [each.output.stop_reason for each in samples] == ["stop", "unknown", "stop", "max_tokens"]


def test_the_log_says_the_score_with_both_errors_and_what_was_run(run, logged, tmp_path):
    log = logged(run, tmp_path / "logs")
    # Problem means 1/2 and 0: 1/4. Variances 1/2 and 0, two samples each: sqrt(1/4 + 0) / 2. Spread of 1/2 and 0: 1/4.
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert {name: metrics.pop(name) for name in ("pass@1", "se_resampling", "se_problems")} == pytest.approx(
        {"pass@1": 0.25, "se_resampling": 0.25, "se_problems": 0.25}
    )
    assert 0 <= metrics["low_other_problems"] < 0.25 < metrics["high_same_problems"] < 1
    assert log.eval.model == "a/model" and log.eval.packages == {"lighteval": "0.13.0"}
    assert log.plan.config.temperature == 0.6
    assert log.eval.metadata["environment"]["command"] == "lighteval vllm …"


def test_the_viewer_is_told_not_to_trust_replies(run, logged, tmp_path):
    assert logged(run, tmp_path / "logs").eval.viewer.trust_content is False


def test_a_run_with_ungraded_samples_is_logged_without_a_score(run, logged, tmp_path):
    task_run = run.tasks["r1_aime24"]
    first = task_run.problems[0]
    ungraded = dataclasses.replace(first, samples=[*first.samples, sample(2, None, "x</think>y")])
    tasks = {"r1_aime24": dataclasses.replace(task_run, problems=[ungraded])}
    log = logged(dataclasses.replace(run, tasks=tasks), tmp_path / "logs")
    assert log.results.scores == [] and samples_of(log)[2].scores is None


def test_writing_a_run_again_replaces_its_logs(run, view, tmp_path):
    from inspect_ai.log import list_eval_logs

    logs = tmp_path / "logs"
    folder_time = view.write_logs(run, logs)
    assert view.write_logs(run, logs) == folder_time
    elsewhere = dataclasses.replace(run, path=f"{run.path}/../{tmp_path.name}")
    assert view.write_logs(elsewhere, logs) == folder_time
    assert len(list_eval_logs(str(logs))) == 1


def test_the_bundle_is_a_site_with_the_logs(run, view, tmp_path):
    view.view(run, logs=tmp_path / "logs", bundle=tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()
    assert list((tmp_path / "site" / "logs").glob("*.eval"))


def test_a_place_that_cannot_be_written_is_named_in_one_line(run, view, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write .*file/logs: Not a directory"):
        view.view(run, logs=tmp_path / "file" / "logs", bundle=tmp_path / "site")
    with pytest.raises(UserError, match="cannot write .*file"):
        view.view(run, logs=tmp_path / "logs", bundle=tmp_path / "file" / "site")


def test_a_bundle_never_replaces_a_folder(run, view, tmp_path):
    with pytest.raises(UserError, match="exists already"):
        view.view(run, logs=tmp_path / "logs", bundle=tmp_path)
