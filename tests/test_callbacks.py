"""Checkpoints are evaluated while a real transformers Trainer trains the demo model on the CPU; the first on real vLLM."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_hub import FakeHub, Repository

from lighteval_r1.records import UserError

# importing it takes every test process seconds
if importlib.util.find_spec("accelerate") is None:
    pytest.skip("transformers' Trainer needs accelerate", allow_module_level=True)
pytestmark = pytest.mark.timeout(560)
ROOT = Path(__file__).resolve().parents[1]

# Trainings one after the other in a process of its own, whose imports take long; argument: a JSON list of jobs.
TRAININGS = """
import json, logging, os, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
from lighteval_r1.callbacks import EvaluateCheckpoints
from lighteval_r1.tasks.demo_problems import training
from lighteval_r1.demo.train import encode
from lighteval_r1.cli.evaluate import DEMO_MODEL

def train(out, arguments, environment):
    os.environ.update(environment)
    tokenizer = AutoTokenizer.from_pretrained(DEMO_MODEL)
    model = AutoModelForCausalLM.from_pretrained(DEMO_MODEL, dtype=torch.float32)
    pairs = training(16, seed=3)
    rows = [{"input_ids": torch.tensor(ids), "labels": torch.tensor(ids)} for ids, _ in encode(tokenizer, pairs)]
    settings = TrainingArguments(
        out, max_steps=4, save_steps=2, save_total_limit=1, per_device_train_batch_size=1, learning_rate=3e-4,
        report_to=[], use_cpu=True, disable_tqdm=True,
    )
    trainer = Trainer(
        model, settings, train_dataset=rows, processing_class=tokenizer, callbacks=[EvaluateCheckpoints(**arguments)]
    )
    trainer.train()
    print("HISTORY", json.dumps(trainer.state.log_history))

logging.basicConfig(level=logging.INFO)
for job in json.loads(sys.argv[1]):
    train(**job)
    for stream in (sys.stdout, sys.stderr):
        print("END OF TRAINING", file=stream, flush=True)
"""


@dataclass(frozen=True)
class Trained:
    """One training: where its files are, and what it said."""

    out: Path
    stdout: str
    stderr: str


def job(out: Path, *, environment: dict[str, str] | None = None, **arguments: object) -> dict:
    return {"out": str(out), "arguments": arguments, "environment": environment or {}}


def train(*jobs: dict, environment: dict[str, str] | None = None) -> list[Trained]:
    """The trainings, all of which must end as trainings do."""
    ours = {
        "PYTHONPATH": f"{ROOT / 'src'}:{Path(__file__).with_name('scripted')}",
        "LIGHTEVAL_R1_DEVICE": "cpu",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        # what a launcher leaves behind, and vLLM must not take for its own
        "MASTER_PORT": "1",
        **(environment or {}),
    }
    command = [sys.executable, "-c", TRAININGS, json.dumps(jobs)]
    done = subprocess.run(command, env={**os.environ, **ours}, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    said = zip(*(text.split("END OF TRAINING\n")[: len(jobs)] for text in (done.stdout, done.stderr)), strict=True)
    return [Trained(Path(each["out"]), *texts) for each, texts in zip(jobs, said, strict=True)]


def progress(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "evaluations" / "progress.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[list[Trained], Repository]:
    """A training whose checkpoints are evaluated, three whose evaluations fail or are not submitted, and the model
    repository that the last but one pushed to."""
    folder = tmp_path_factory.mktemp("trained")
    model = {"max_model_length": 1024, "dtype": "float32", "cache_dir": str(folder / "cache")}
    with FakeHub() as hub:
        environment = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": "hf_writer",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(folder / "home"),
            "SCRIPTED_BUT_FIRST": str(folder / "first"),
        }
        jobs = [
            job(folder / "whole", tasks="demo_sums", options={"n": 1, "max_tokens": 256}, model=model),
            job(folder / "second", tasks="no_such_task", every=2),
            job(folder / "pushed", tasks="no_such_task", push_to="tester/model"),
            job(
                folder / "slurm",
                tasks="demo_sums",
                on="slurm",
                environment={"PATH": f"/nowhere:{Path(sys.executable).parent}"},
            ),
        ]
        return train(*jobs, environment=environment), hub.repositories["model", "tester/model"]


def test_two_checkpoints_get_two_evaluations_and_a_curve(trained):
    (done, *_), _ = trained
    logs = "\n".join(path.read_text()[-2000:] for path in done.out.rglob("log"))
    curve = progress(done.out)
    assert [(point["step"], point["task"], point["n_samples"]) for point in curve] == [
        (2, "demo_sums", 40),
        (4, "demo_sums", 40),
    ], logs
    # the script of the second one's replica knows no sums
    assert 0 < curve[0]["pass@1"] <= 1 and curve[1]["pass@1"] == 0
    history = json.loads(done.stdout.split("HISTORY ")[1].splitlines()[0])
    assert [entry["step"] for entry in history if "demo_sums/pass@1" in entry] == [2, 4]
    assert not (done.out / "checkpoint-2").exists(), "the trainer kept what it was told to delete"
    digests = {
        json.loads(path.read_text())["config_general"]["model_config"]["lighteval_r1"]["settings"]["revision"]
        for path in done.out.rglob("results_*.json")
    }
    assert len(digests) == 2, "both evaluations saw the same weights"


def test_only_every_second_checkpoint_is_evaluated_where_that_is_asked_and_its_failure_is_logged(trained):
    (_, done, *_), _ = trained
    assert "HISTORY" in done.stdout, "training went on"
    assert done.stderr.count("its evaluation ended with exit code 2") == 1
    (folder,) = (done.out / "evaluations").iterdir()
    assert folder.name == "checkpoint-4" and "there is no task" in (folder / "log").read_text()


def test_a_failed_submission_is_logged_and_training_goes_on(trained):
    (*_, done), _ = trained
    assert "HISTORY" in done.stdout and done.stderr.count("sbatch was not found") == 2


def test_checkpoints_become_revisions_of_a_model(trained):
    _, model = trained
    assert model.private and {"step-000000002", "step-000000004"} < set(model.heads)
    first, second = (model.at(f"step-{step:09d}").files for step in (2, 4))
    assert first["config.json"] == second["config.json"] and first["model.safetensors"] != second["model.safetensors"]
    assert not any("optimizer" in path for path in first)


def test_mistakes_are_said_before_the_training_begins():
    from lighteval_r1.callbacks import EvaluateCheckpoints

    with pytest.raises(UserError, match="neither"):
        EvaluateCheckpoints("aime24", on="cloud")
    with pytest.raises(UserError, match="every=0"):
        EvaluateCheckpoints("aime24", every=0)


def test_a_demo_model_made_anew_pads_within_its_vocabulary_and_the_shipped_one_once_it_is_told(tmp_path):
    from transformers import AutoTokenizer

    from lighteval_r1.cli.evaluate import DEMO_MODEL
    from lighteval_r1.demo.train import make_model, make_tokenizer

    made = make_tokenizer(["What is 1 + 2? It is 3."])
    model = make_model(made)
    model.config.save_pretrained(tmp_path)
    made.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path).pad_token_id < model.config.vocab_size
    shipped = AutoTokenizer.from_pretrained(DEMO_MODEL)
    shipped.pad_token = shipped.eos_token  # docs/start.md
    assert shipped.pad_token_id == 0
