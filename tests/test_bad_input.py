"""Bad input of every kind to every command: one line that names it, exit code 2, nothing left behind.

In this process and without a network; `benchmarks/first_minute.py` says how long each takes as a command of its own.
"""

import json
import shutil
from pathlib import Path

import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL

HERE = Path(__file__).parent
JOURNAL = HERE / "demo_run" / "lighteval_r1" / "model" / "demo_sums" / "f4adf19c2daeba72"
RECIPE = f"model_parameters: {{model_name: {DEMO_MODEL}, "
FILES = {
    "nameless.yaml": "model_parameters: {dtype: float32}",
    "unknown.yaml": RECIPE + "foo_bar: 3}",
    "broken.yaml": "model_parameters:\n  model_name: [",
    "list.yaml": "- 1",
    "words.yaml": RECIPE + "max_model_length: long}",
    "no_replicas.yaml": RECIPE + "data_parallel_size: 0}",
    "cold.yaml": RECIPE + "generation_parameters: {temperature: -1}}",
    "wide.yaml": RECIPE + "generation_parameters: {top_p: 1.5}}",
    "short.yaml": RECIPE + "generation_parameters: {max_new_tokens: 0}}",
    "sampling.yaml": RECIPE + "generation_parameters: {temprature: 1}}",
    "text.yaml": RECIPE + "generation_parameters: hot}",
    "section.yaml": RECIPE + "}\nlighteval_r1: {efort: low}",
    "empty.txt": "# nothing\n",
    "file": "not a folder",
    "latin.txt": b"\xe4hm",
    "latin.yaml": b"tasks: [\xe4hm]",
    "deep.yaml": "[" * 5000,
    "of_class.json": '{"takes_several": true}',
    "options.json": "{",
    "unknown.json": '{"modle": "x"}',
    "prompt.txt": "Say it.",
    "empty.jsonl": "",
    "text.jsonl": "no JSON\n",
    "other.jsonl": '{"a": 1}\n',
    "own.jsonl": '{"question": "1 + 1?", "gold": "2"}\n',
    "cluster.yaml": "gpus_per_node: [",
    "cluster-2.yaml": "gpu_count: 8",
    "baselines.toml": "[",
    "page.txt": "",
}
DEMO = ("evaluate", "--task", "demo_sums")
SERVER = ("endpoint", "demo_sums", "--model", "m", "--base-url")
NOBODY = "http://127.0.0.1:9/v1"
# What is said, and what the line must hold. {here}: a folder with FILES, a run (run/), one that owes (owes/), a model
# without weights (weightless/), a folder that nobody may write (locked/).
BAD = [
    # evaluate: the task
    (("evaluate", "--task", "aime42"), "there is no task 'aime42'. Nearest: r1_aime2"),
    (("evaluate", "--task", "demo_sums,demo_sums"), "demo_sums is asked for twice"),
    (("evaluate", "--task", "demo_sums|5"), "asked without examples"),
    (("evaluate", "--task", "demo_sums@n=1.5"), "n=1.5 is not a number of samples"),
    (("evaluate", "--task", "{here}/empty.txt"), "the suite {here}/empty.txt names no task"),
    (("evaluate", "--task", "aime24"), "it is not in the cache, and the Hub is out of reach"),
    (("evaluate", "--task", "gpqa_diamond"), "which is gated, and there is no Hugging Face token"),
    (("evaluate", "--task", "{here}/empty.jsonl"), "empty.jsonl"),
    (("evaluate", "--task", "{here}/latin.txt"), "the list of tasks {here}/latin.txt is not UTF-8 text"),
    (("evaluate", "--task", "{here}/latin.yaml"), "the suite {here}/latin.yaml is not UTF-8 text"),
    (("evaluate", "--task", "{here}/deep.yaml"), "the suite {here}/deep.yaml: not YAML (maximum recursion"),
    (("evaluate", "--task", "demo_sums@n=99999999999"), "must be a whole number from 1 to 65,536"),
    (("evaluate", "--task", "{here}/text.jsonl"), "text.jsonl, line 1: not JSON"),
    (("evaluate", "--task", "{here}/own.jsonl", "--grader", "best"), "best"),
    (("evaluate", "--model", str(DEMO_MODEL)), "say which TASK"),
    # evaluate: the model and its recipe
    ((*DEMO, "--model", "a/NoSuch"), "a/NoSuch (revision main) is neither a local folder nor in the cache"),
    ((*DEMO, "--model", "{here}/nowhere"), "there is no model folder {here}/nowhere"),
    ((*DEMO, "--model", "{here}/weightless"), "has no weights"),
    ((*DEMO, "--model", "{here}/absent.yaml"), "cannot read the recipe"),
    ((*DEMO, "--model", "{here}/nameless.yaml"), "names no model"),
    ((*DEMO, "--model", "{here}/unknown.yaml"), "model_parameters: there is no foo_bar. Nearest: "),
    ((*DEMO, "--model", "{here}/broken.yaml"), "broken.yaml, line 2: not YAML"),
    ((*DEMO, "--model", "{here}/list.yaml"), "it needs a mapping named model_parameters"),
    ((*DEMO, "--model", "{here}/words.yaml"), "max_model_length 'long' is not a whole number from 1"),
    ((*DEMO, "--model", "{here}/no_replicas.yaml"), "data_parallel_size 0 is not a whole number from 1"),
    ((*DEMO, "--model", "{here}/cold.yaml"), "temperature -1 is not a number from 0"),
    ((*DEMO, "--model", "{here}/wide.yaml"), "top_p 1.5 is not above 0, up to 1"),
    ((*DEMO, "--model", "{here}/short.yaml"), "max_new_tokens 0 is not a whole number from 1"),
    ((*DEMO, "--model", "{here}/sampling.yaml"), "there is no temprature. Nearest: temperature"),
    ((*DEMO, "--model", "{here}/text.yaml"), "generation_parameters 'hot' is not a mapping"),
    ((*DEMO, "--model", "{here}/section.yaml"), "there is no 'efort'. Nearest: effort"),
    # evaluate: how it is sampled
    ((*DEMO, "--temperature", "-1"), "temperature -1.0: a number from 0 is needed"),
    ((*DEMO, "--temperature", "nan"), "temperature nan: a number from 0 is needed"),
    ((*DEMO, "--temperature", "0"), "temperature 0 draws the same reply 4 times"),
    ((*DEMO, "--temperature", "warm"), "'--temperature': Input should be a valid number"),
    ((*DEMO, "--top-p", "1.5"), "top_p 1.5: a number above 0, up to 1"),
    ((*DEMO, "--max-tokens", "0"), "max_tokens 0: a reply needs at least one token"),
    ((*DEMO, "--n", "0"), "at least one sample"),
    ((*DEMO, "--n", "99999999999"), "N=99999999999: at least one sample per problem is needed, and at most 65,536"),
    ((*DEMO, "--thinking-budget", "999999"), "leaves no room for an answer"),
    ((*DEMO, "--effort", "low"), "effort low: the chat template of"),
    ((*DEMO, "--template-arg", "thinking"), "is not NAME=VALUE"),
    ((*DEMO, "--end-loops", "3"), "is not SIZE,COUNT"),
    ((*DEMO, "--reasoning-parser", "qwen33"), "qwen33"),
    ((*DEMO, "--system-prompt-file", "{here}/nowhere"), "cannot read SYSTEM_PROMPT_FILE"),
    ((*DEMO, "--system-prompt-file", "{here}/latin.txt"), "SYSTEM_PROMPT_FILE {here}/latin.txt is not UTF-8 text"),
    ((*DEMO, "--vllm", "max_num_seqs=many"), "max_num_seqs 'many' is not a whole number from 1"),
    ((*DEMO, "--vllm", "blok_size=16"), "vLLM has no argument blok_size"),
    ((*DEMO, "--lora", "{here}/nowhere"), "nowhere"),
    # evaluate: where it runs, and where it writes
    ((*DEMO, "--parallel", "sideways"), "neither data nor tensor nor auto"),
    ((*DEMO, "--num-gpus", "4096"), "asks for 4096 devices"),
    ((*DEMO, "--output-dir", "{here}/file/out"), "cannot write {here}/file"),
    ((*DEMO, "--output-dir", "/proc/none"), "cannot write /proc/none"),
    ((*DEMO, "--cache-dir", "{here}/file/cache"), "cannot write the journal's folder"),
    ((*DEMO, "--upload", "a/b/c"), "'a/b/c' is not a repository"),
    ((*DEMO, "--upload", "me/x"), "HF_HUB_OFFLINE is set"),
    ((*DEMO, "--options", "{here}/options.json"), "is not a JSON object of options"),
    ((*DEMO, "--options", "{here}/unknown.json"), "there is no option 'modle'"),
    ((*DEMO, "--options", "{here}/of_class.json"), "there is no option 'takes_several'"),
    (("evaluate", "MODLE=x"), "there is no option MODLE=. Nearest: MODEL="),
    (("evaluate", "--modell", "x"), "No such option: --modell"),
    # endpoint, ask, bench
    ((*SERVER, NOBODY), "no server answers at " + NOBODY),
    ((*SERVER, "http://127.0.0.1:9/v1/chat/completions"), "the base URL before it is http://127.0.0.1:9/v1"),
    ((*SERVER, "localhost:8000"), "is no base URL"),
    ((*SERVER, "http://me:secret@127.0.0.1:9/v1"), "a base URL with a password"),
    ((*SERVER, NOBODY, "--temperature", "0"), "temperature 0 draws the same reply 4 times"),
    ((*SERVER, NOBODY, "--concurrency", "0"), "at least one request"),
    ((*SERVER, NOBODY, "--extra-body", "{{"), "--extra-body is not JSON"),
    ((*SERVER, NOBODY, "--extra-body", '{{"n": 2}}'), "may not set n"),
    ((*SERVER, NOBODY, "--api-key-env", "NO_SUCH_KEY"), "there is no such variable"),
    ((*SERVER, NOBODY, "--max-tokens", "0"), "at least one token"),
    ((*SERVER, NOBODY, "--cache-dir", "{here}/file/cache"), "cannot write the journal's folder"),
    (("endpoint", "demo_sums", "--base-url", NOBODY), "say which --model"),
    (("endpoint", "aime42", "--model", "m", "--base-url", NOBODY), "there is no task 'aime42'"),
    (("endpoint", "demo_sums", "--task", "demo_sums", "--model", "m", "--base-url", NOBODY), "demo_sums is asked for twice"),
    (("ask", "{here}/nowhere", "?"), "there is no model folder"),
    (("ask", "a/NoSuch", "?"), "is neither a local folder nor in the cache"),
    (("ask", NOBODY, "?"), "no server answers"),
    (("ask", "demo"), "Missing argument 'question'"),
    (("bench", "--base-url", NOBODY, "--task", "demo_sum"), "there is no task 'demo_sum'"),
    (("bench", "--base-url", "http://127.0.0.1:9", "--task", "demo_sums"), "ends in /v1"),
    (("bench", "--base-url", NOBODY, "--task", "demo_sums"), "no server answers"),
    (("bench", "--base-url", NOBODY, "--task", "demo_sums", "--concurrency", "0"), "--concurrency 0"),
    # plan
    (("plan", "demo", "demo_sums", "--num-gpus", "0"), "NUM_GPUS=0: at least 1"),
    (("plan", "a/b", "math_500@level=5"), "it is not in the cache, and the Hub is out of reach"),
    (("plan", "a/b", "r1_lcb_2408_2505"), "it is not in the cache, and the Hub is out of reach"),
    # what is said and would be left out without a word
    ((*DEMO, "--grader", "real"), "--grader is said of one's own problems (TASK=problems.jsonl); none are asked"),
    ((*DEMO, "--columns", "gold=a"), "--columns is said of one's own problems"),
    ((*DEMO, "--prompt-file", "{here}/prompt.txt"), "--prompt-file is said of one's own problems"),
    ((*DEMO, "--public"), "say --upload REPO, too"),
    ((*SERVER, NOBODY, "--public"), "say --upload REPO, too"),
    (("ask", "demo", "?", "--model", "x"), "--model and --api-key-env are for a server"),
    (("sane", "demo", "--api-key-env", "X"), "are for a server"),
    (("submit", "a/b", "--serve", "--tasks", "aime24", "--dry-run"), "--serve asks no task, so --task says nothing"),
    (("submit", "a/b", "--serve", "--n", "4", "--dry-run"), "--serve asks no task, so --n says nothing"),
    (("submit", "a/b", "--serve", "--nodes", "2", "--dry-run"), "a server runs on one node"),
    (("view", "{here}/run", "--jsonl", "{here}/out", "--bundle", "{here}/site"), "--jsonl writes the samples alone"),
    (("think", "{here}/run", "--per-level", "0"), "--per-level"),
    (("think", "{here}/run", "--max-tokens", "0"), "--max-tokens"),
    # submit, jobs
    (("submit",), "say which MODEL to submit"),
    (("submit", "demo", "--dry-run"), "say which TASK"),
    (("submit", "a/b", "--tasks", "aime24", "--array", "-1", "--dry-run"), "--array -1"),
    (("submit", "a/b", "--tasks", "aime24", "--tensor-parallel", "x", "--dry-run"), "--tensor-parallel x"),
    (("submit", "a/b", "--tasks", "aime24", "--cluster", "{here}/nowhere", "--dry-run"), "cannot read the cluster's file"),
    (("submit", "a/b", "--tasks", "aime24", "--cluster", "{here}/cluster.yaml", "--dry-run"), "cluster.yaml, line 1: not YAML"),
    (("submit", "a/b", "--tasks", "aime24", "--cluster", "{here}/cluster-2.yaml", "--dry-run"), "gpu_count"),
    (("submit", "{here}/cold.yaml", "--tasks", "aime24", "--dry-run"), "temperature -1 is not a number from 0"),
    (("jobs", "{here}/nowhere"), "nowhere"),
    # runs that are read
    (("results", "{here}/nowhere"), "nowhere"),
    (("results", "{here}/file"), "file"),
    (("runs", "--cache-dir", "{here}/nowhere"), "there are no journals under"),
    (("report", "{here}/nowhere", "-o", "{here}/page.html"), "nowhere"),
    (("report", "{here}/run", "-o", "{here}/page.txt"), "does not end in .html"),
    (("report", "{here}/owes", "-o", "{here}/page.html", "--no-thinking"), "owed"),
    (("compare", "{here}/run", "deepseek-r2"), "deepseek-r2"),
    (("compare", "{here}/owes", "{here}/run"), "owed"),
    (("compare", "{here}/run", "--pool"), "there is one run"),
    (("compare", "{here}/run", "--baselines", "{here}/baselines.toml"), "baselines.toml"),
    (("think", "{here}/nowhere"), "nowhere"),
    (("think", "{here}/run", "--max-tokens", "-1"), "--max-tokens"),
    (("think", "{here}/run", "--judge", "nowhere"), "--judge-model NAME go together"),
    (("view", "{here}/nowhere", "--jsonl", "{here}/out"), "nowhere"),
    # replies that are graded
    (("score", "{here}/own.jsonl"), "Missing option '--task'"),
    (("score", "{here}/own.jsonl", "--task", "math_501"), "there is no task 'math_501'"),
    (("score", "{here}/nowhere.jsonl", "--task", "demo_sums"), "nowhere.jsonl"),
    (("score", "{here}/text.jsonl", "--task", "demo_sums"), "text.jsonl"),
    (("score", "{here}/empty.jsonl", "--task", "demo_sums"), "empty.jsonl"),
    (("score", "{here}/other.jsonl", "--task", "demo_sums"), "other.jsonl"),
    (("audit", "{here}/other.jsonl", "--task", "demo_sums"), "other.jsonl"),
    (("check", "aime42"), "there is no task 'aime42'"),
    (("check", "aime24"), "the Hub is out of reach"),
    # the Hub
    (("upload", "{here}/run"), "say where to"),
    (("upload", "{here}/nowhere", "me/x"), "nowhere"),
    (("upload", "{here}/run", "--model-index"), "say where to"),
    (("push-revision", "{here}", "me/a--b", "step"), "is not a repository"),
    (("push-revision", "{here}/nowhere", "me/x", "step"), "nowhere"),
    (("recipes", "NoSuchModel"), "NoSuchModel"),
    (("evaluat",), "No such command 'evaluat'"),
]  # fmt: skip


def write_files(folder: Path) -> None:
    """What {here} stands for."""
    for name, text in FILES.items():
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "weightless").mkdir()
    (folder / "weightless" / "config.json").write_text("{}")
    for name, n in (("run", None), ("owes", 100)):
        journal = Path(
            shutil.copytree(JOURNAL, folder / f"{name}-cache" / "lighteval_r1" / "model" / "demo_sums" / JOURNAL.name)
        )
        (samples,) = journal.glob("samples-*")
        samples.write_bytes(b"".join(samples.read_bytes().splitlines(keepends=True)[:n]))
        (folder / name).mkdir()
        (folder / name / "journals.json").write_text(json.dumps([str(journal)]))


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    write_files(folder)
    return folder


@pytest.fixture(autouse=True)
def nowhere_else(here, monkeypatch):
    """No data, token or journal of this machine."""
    monkeypatch.chdir(here)
    for name, value in {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": "hf",
        "HF_DATASETS_CACHE": str(here / "hf"),
        "LIGHTEVAL_R1_DEVICE": "cpu",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_TOKEN", "LIGHTEVAL_R1_DATA", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("lighteval_r1.tasks.specs.token", lambda: None)


def everything_in(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("said", "line"), BAD, ids=lambda value: " ".join(value)[:80] if isinstance(value, tuple) else ""
)
def test_bad_input_is_one_line_and_leaves_nothing(said, line, here, main):
    before = everything_in(here)
    code, out, err = main(*(word.format(here=here) for word in said))
    assert code == 2 and err.count("\n") == 1 and err.startswith("lighteval-r1: "), (code, err)
    assert line.format(here=here) in err and "Traceback" not in err, err
    assert not out
    assert everything_in(here) == before and not (here / "data").exists()
