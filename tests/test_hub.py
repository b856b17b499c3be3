"""Uploads against a local stand-in for the Hub, each in its own process, as a user's would be."""

import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest
import soak
import yaml
from fake_hub import FakeHub, Fault
from pushes import DATE, HASTY, HOSTILE, REPO, begun, digests, ended, environment, read_back, upload, written

from lighteval_r1.tasks import TASKS


@pytest.fixture
def hub():
    with FakeHub() as hub:
        yield hub


def expected_rows(folder: Path) -> list[dict]:
    from lighteval_r1.runs.reading import read_run

    return [
        {
            "problem_id": problem.id,
            "sample_index": sample.index,
            "reply": sample.reply,
            "outcome": sample.outcome,
            "seed": sample.seed,
        }
        for task in read_run(folder).tasks.values()
        for problem in task.problems
        for sample in problem.samples
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a push without any fault leaves in the repository."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with FakeHub() as hub:
        status, said = upload(hub, folder / "home", written(folder / "run"), REPO)
        assert status == 0, said
        return hub.dataset(REPO).files()


def test_load_dataset_reads_the_samples_back_as_they_were(hub, tmp_path):
    run = written(tmp_path / "run")
    before = digests(run)
    status, said = upload(hub, tmp_path / "home", run, REPO)
    assert status == 0, said
    rows = read_back(hub, tmp_path / "home", "r1_aime24", "latest")
    assert [
        {key: row[key] for key in want} for row, want in zip(rows, expected_rows(run), strict=True)
    ] == expected_rows(run)
    assert rows[0]["prompt"].startswith("Question 0") and rows[0]["gold"] == "0" and rows[0]["n_tokens"] == 100
    assert HOSTILE in rows[0]["reply"] and rows[0]["answer"] == "0"
    begin, end = rows[0]["split"].partition("|")[0].split(":")
    assert rows[0]["reply"][int(begin) : int(end)].startswith("Thinking about") and rows[0]["finish_reason"] == "stop"
    assert digests(run) == before
    assert len(hub.dataset(REPO).history()) == 1


def test_a_new_repository_is_private_and_says_that_it_has_no_viewer(hub, tmp_path):
    _, said = upload(hub, tmp_path, written(tmp_path / "run"), REPO)
    assert hub.dataset(REPO).private and "no viewer" in said
    _, said = upload(hub, tmp_path, tmp_path / "run", "tester/shown", "--public")
    assert not hub.dataset("tester/shown").private and "no viewer" not in said


def test_nothing_is_published_by_mistake(hub, tmp_path):
    hub.add_repository("dataset", REPO, private=False)
    status, said = upload(hub, tmp_path, written(tmp_path / "run"), REPO)
    assert status == 2 and "is public" in said and not hub.dataset(REPO).history()


def test_lightevals_own_details_lie_beside_the_rows_where_they_are_asked_for(hub, undisturbed, tmp_path):
    run = written(tmp_path / "run")
    files = {path.name: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    pushed = {Path(path).name: data for path, data in undisturbed.items()}
    assert [name for name in files if name in pushed] == [f"results_{DATE}.json"]
    upload(hub, tmp_path, run, REPO, "--with-details")
    pushed = {Path(path).name: data for path, data in hub.dataset(REPO).files().items()}
    assert all(pushed[name] == data for name, data in files.items())


def test_the_same_push_again_makes_no_commit(hub, tmp_path):
    run = written(tmp_path / "run")
    upload(hub, tmp_path, run, REPO)
    status, said = upload(hub, tmp_path, run, REPO)
    assert status == 0 and "no commit was made" in said
    assert len(hub.dataset(REPO).history()) == 1


def test_only_what_the_repository_lacks_is_committed(hub, tmp_path):
    run = written(tmp_path / "run")
    upload(hub, tmp_path, run, REPO)
    repository = hub.dataset(REPO)
    whole = dict(repository.files())
    lost = [path for path in whole if path.startswith("rows/")]
    repository.add({path: data for path, data in whole.items() if path not in lost}, title="lost")
    status, said = upload(hub, tmp_path, run, REPO)
    assert status == 0 and "Pushed" in said, said
    assert repository.files() == whole and hub.committed[-1] == lost


@pytest.mark.soak("pushes")
def test_six_pushes_at_once_all_arrive(hub, tmp_path):
    runs = [
        written(
            tmp_path / f"run{i}",
            tasks=("r1_aime24", "r1_math_500"),
            n_problems=2 + i,
            date=f"2026-11-2{i}T10-00-00.000001",
        )
        for i in range(6)
    ]
    pushes = [begun(hub, tmp_path / f"home{i}", "upload", run, REPO, program=HASTY) for i, run in enumerate(runs)]
    for push in pushes:
        status, _, errors = ended(push)
        assert status == 0, errors
    repository = hub.dataset(REPO)
    assert len(repository.history()) == 6
    head = yaml.safe_load(repository.files()["README.md"].decode().split("---")[1])
    assert [config["config_name"] for config in head["configs"]] == ["r1_aime24", "r1_math_500"]
    for config in head["configs"]:
        paths = {entry["split"]: entry["path"] for entry in config["data_files"]}
        assert len(paths) == 7 and set(paths.values()) <= set(repository.files())
        assert "2026_11_25" in paths["latest"]
    assert len(read_back(hub, tmp_path, "r1_math_500", "latest")) == 7 * 3
    table = repository.files()["README.md"].decode()
    assert len(re.findall(r"^\| r1_", table, re.MULTILINE)) == 12


FAULTS = {
    "busy twice": [Fault("POST .*/commit/", 503, times=2)],
    "busy while looking": [Fault("GET .*/api/datasets", 503, times=2)],
    "another commit came first": [Fault("POST .*/commit/", 412)],
    "refused for a moment": [Fault("POST .*/commit/", 403)],
    "the answer is lost after the commit": [Fault("POST .*/commit/", 504, after=True)],
    "the line is cut after the commit": [Fault("POST .*/commit/", after=True)],
    "the line is cut while a file goes up": [Fault("PUT /large/", after=True, times=6)],
    "the storage is busy": [Fault("PUT /large/", 500, times=7)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_nothing(name, hub, tmp_path, undisturbed):
    hub.faults += [Fault(**vars(fault)) for fault in FAULTS[name]]
    run = written(tmp_path / "run")
    before = digests(run)
    status, said = upload(hub, tmp_path / "home", run, REPO, hasty=True)
    assert status == 0, said
    assert not any(fault.times for fault in hub.faults), "the fault never came"
    assert len(hub.dataset(REPO).history()) == 1
    assert hub.dataset(REPO).files() == undisturbed
    assert digests(run) == before


def test_a_wait_that_the_hub_asks_for_is_kept(hub, tmp_path):
    hub.faults.append(Fault("POST .*/commit/", 429, headers={"Retry-After": "2"}))
    status, said = upload(hub, tmp_path / "home", written(tmp_path / "run"), REPO)
    assert status == 0, said
    first, second = [when for when, _, _ in hub.seen("POST .*/commit/")]
    assert second - first >= 2.0


def test_a_busy_moment_while_the_card_is_read_passes(hub, tmp_path):
    upload(hub, tmp_path / "home", written(tmp_path / "run"), REPO)
    # huggingface_hub looks seven times, then says that the file is not in the cache
    hub.faults.append(Fault("HEAD .*/resolve/.*/README.md", 503, times=7))
    again = written(tmp_path / "again", date="2026-11-21T10-00-00.000001")
    status, said = upload(hub, tmp_path / "elsewhere", again, REPO, hasty=True)
    assert status == 0 and "trying again" in said, said
    assert len(hub.dataset(REPO).history()) == 2


@pytest.mark.parametrize(
    ("token", "repo", "words"),
    [
        (None, REPO, "no Hugging Face token"),
        ("hf_unknown", REPO, "does not know the token"),
        ("hf_reader", REPO, "may not write"),
        ("hf_writer", "somebody/details", "may not write to somebody"),
        ("hf_writer", "tester/bad name!", "'tester/bad name!' is not a repository; write NAMESPACE/NAME"),
        ("hf_writer", "tester/two\nlines", r"'tester/two\nlines' is not a repository; write NAMESPACE/NAME"),
        ("hf_writer", "/details", "'/details' is not a repository; write NAMESPACE/NAME"),
        ("hf_writer", "a/b/c", "'a/b/c' is not a repository; write NAMESPACE/NAME"),
    ],
)
def test_a_token_without_the_power_is_found_before_anything_is_made(token, repo, words, hub, tmp_path):
    run = written(tmp_path / "run")
    before = digests(run)
    status, said = upload(hub, tmp_path / "home", run, repo, token=token)
    assert status == 2 and words in said and "Traceback" not in said
    assert not hub.repositories and not hub.seen("POST ")
    assert digests(run) == before


def test_questions_of_gpqa_are_not_pushed_in_clear(hub, tmp_path):
    run = written(tmp_path / "run", tasks=("r1_gpqa_diamond",))
    status, said = upload(hub, tmp_path / "home", run, REPO)
    assert status == 0 and "--include-gated" in said
    for path, data in hub.dataset(REPO).files().items():
        assert b"Question" not in data, path
        assert not Path(path).name.startswith("details_")
    rows = read_back(hub, tmp_path / "home", "r1_gpqa_diamond", "latest")
    assert rows[0]["prompt"] is None and rows[0]["reply"] is None
    assert all(rows[0][name] is None for name in ("input", "token_ids", "step", "details"))
    assert (
        rows[0]["prompt_sha256"] == hashlib.sha256(b"Question 0 of r1_gpqa_diamond\nReason step by step.").hexdigest()
    )
    assert rows[0]["gold"] == "B" and rows[0]["outcome"] == "correct"
    upload(hub, tmp_path / "home", run, REPO, "--include-gated")
    assert read_back(hub, tmp_path / "home2", "r1_gpqa_diamond", "latest")[0]["prompt"].startswith("Question 0")


def test_what_people_wrote_in_the_card_stays(hub, tmp_path):
    card = b"---\nlicense: mit\ntags:\n- mine\n---\n\n# My words\n\nKeep these.\n"
    hub.add_repository("dataset", REPO, private=True, files={"README.md": card})
    for day in (1, 2):
        run = written(tmp_path / f"run{day}", date=f"2026-11-0{day}T10-00-00.000001")
        upload(hub, tmp_path / "home", run, REPO)
    text = hub.dataset(REPO).files()["README.md"].decode()
    assert "license: mit" in text and "- mine" in text and text.count("Keep these.") == 1
    assert text.count("\n| r1_aime24 |") == 2


def test_scores_are_proposed_to_the_model_as_a_pull_request(hub, tmp_path):
    model = hub.add_repository(
        "model", "some/model", private=False, files={"README.md": b"---\nlicense: mit\n---\n\n# M\n"}
    )
    whole = ("r1_gpqa_diamond", "r1_amc23")
    run = written(tmp_path / "run", tasks=whole, n_problems={task: TASKS[task].n_problems for task in whole})
    status, said = upload(hub, tmp_path, run, "--results-to-model", "some/model", "--model-index")
    assert status == 0, said
    files = model.at("refs/pr/1").files
    (entry,) = yaml.safe_load(files[".eval_results/lighteval_r1.yaml"])
    assert entry["dataset"] == {"id": "Idavidrein/gpqa", "task_id": "diamond"} and entry["value"] == 33.33
    head = yaml.safe_load(files["README.md"].decode().split("---")[1])
    assert head["license"] == "mit" and head["model-index"][0]["results"][0]["metrics"][0]["value"] == 33.33
    assert not model.history(), "only a pull request, nothing on main"
    status, said = upload(hub, tmp_path, run, "--results-to-model", "some/model", "--model-index")
    assert status == 0 and "already has this pull request" in said and len(model.requests) == 1


def test_anyone_can_grade_what_was_published(hub, tmp_path):
    upload(hub, tmp_path / "home", written(tmp_path / "run"), REPO)
    status, said, _ = ended(begun(hub, tmp_path / "elsewhere", "score", f"hf://datasets/{REPO}", "--task", "r1_aime24"))
    assert status == 0 and re.search(r"r1_aime24 +33\.3 .* 4 +12 ", said), said


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("tester/nothing-7B", "there is no model tester/nothing-7B on the Hub"),
        ("tester/no thing", "cannot find model tester/no thing"),
    ],
)
def test_a_model_that_is_not_there_is_said_before_it_is_submitted(model, words, hub, tmp_path):
    asked = ("submit", model, "--tasks", "demo_sums", "--dry-run", "--job-folder", tmp_path / "jobs")
    status, _, said = ended(begun(hub, tmp_path / "home", *asked))
    assert status == 2 and words in said and said.count("\n") == 1, said
    assert not (tmp_path / "jobs").exists()


def test_evaluate_finds_out_before_sampling_that_it_may_not_upload(hub, tmp_path):
    asked = ("evaluate", "--upload", REPO, "--output-dir", tmp_path / "out")
    status, _, said = ended(begun(hub, tmp_path / "home", *asked, token="hf_reader"))
    assert status == 2 and "may not write" in said and "LightEval" not in said


def test_a_task_that_no_leaderboard_knows_is_not_proposed_unasked(hub, tmp_path):
    hub.add_repository("model", "some/model", private=False)
    status, said = upload(hub, tmp_path, written(tmp_path / "run"), "--results-to-model", "some/model")
    assert status == 2 and "--model-index" in said


# The command, which says the most memory that it had: not getrusage, which counts this process's, too, until the exec.
PEAK = "print('peak', open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
MEASURED = f"import atexit; from lighteval_r1.cli import main; atexit.register(lambda: {PEAK}); main()"
STREAMED = (
    "import datasets, sys; rows = datasets.load_dataset(sys.argv[1], sys.argv[2], split='latest', streaming=True); "
    f"print(sum(len(row['reply']) for row in rows)); {PEAK}"
)
N, CHARACTERS = 16, 100_000


def long_run(folder: Path, megabytes: int) -> tuple[Path, int]:
    """A run whose details have so many, in one row group as LightEval writes them; and the characters of its replies."""
    n_problems = megabytes * 10**6 // (2 * N * CHARACTERS)
    run = written(folder, n_problems=n_problems)
    (path,) = run.rglob("details_*.parquet")
    table = parquet.read_table(path)
    (first, *_) = table.slice(0, 1).to_pylist()
    first["model_response"]["text_post_processed"] = first["model_response"]["text"]
    schema = pyarrow.Table.from_pylist([first]).schema
    batches = []
    for row in table.to_pylist():
        # What no compression makes shorter than three quarters.
        texts = [base64.b64encode(os.urandom(CHARACTERS * 3 // 4)).decode() for _ in range(N)]
        row["doc"]["specific"]["samples"] = [row["doc"]["specific"]["samples"][0] | {"index": i} for i in range(N)]
        row["model_response"] |= {"text": texts, "text_post_processed": texts}
        batches.append(pyarrow.RecordBatch.from_pylist([row], schema=schema))
    parquet.write_table(pyarrow.Table.from_batches(batches), path, compression="snappy", row_group_size=n_problems)
    assert parquet.ParquetFile(path).num_row_groups == 1
    assert path.stat().st_size > 0.9 * megabytes * 10**6
    return run, n_problems * N * CHARACTERS


def peak_of(hub: FakeHub, home: Path, program: str, *arguments: object) -> tuple[int, str]:
    """The most memory of a process, in MiB, and what else it printed."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env=environment(hub, home), capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-3000:]
    printed, _, peak = done.stdout.rpartition("peak ")
    return int(peak) // 1024, printed


@pytest.mark.soak("push-megabytes")
@pytest.mark.timeout(3000)
def test_a_push_takes_no_more_memory_for_more_details(hub, tmp_path):
    megabytes = soak.count("push-megabytes")
    run, n_characters = long_run(tmp_path / "run", megabytes)
    begin = time.monotonic()
    peak, printed = peak_of(hub, tmp_path / "home", MEASURED, "upload", run, REPO)
    print(f"{megabytes} MB of details: {peak} MiB at most, {time.monotonic() - begin:.0f} s")
    assert "Pushed" in printed and len(hub.dataset(REPO).history()) == 1
    # Of 96 MB the push before this one kept 600 MiB, besides what the program itself takes.
    assert peak < (1024 if soak.ASKED else 550)
    (rows,) = (data for path, data in hub.dataset(REPO).files().items() if path.startswith("rows/"))
    assert len(rows) < 0.55 * megabytes * 10**6, "each reply once"
    metadata = parquet.ParquetFile(io.BytesIO(rows)).metadata
    sizes = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    assert len(sizes) > 1 and max(sizes) < 100e6
    if soak.ASKED:
        peak, printed = peak_of(hub, tmp_path / "reader", STREAMED, REPO, "r1_aime24")
        print(f"read back as a stream: {peak} MiB at most")
        assert int(printed) == n_characters
