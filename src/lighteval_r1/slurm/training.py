"""Evaluates checkpoints while a model is trained, without stopping the training: a transformers TrainerCallback.

    trainer = Trainer(…, callbacks=[EvaluateCheckpoints(tasks="aime24,math_500", every=2)])

Works with every trainer built on transformers.Trainer, such as trl's. Under <output_dir>/evaluations:

    checkpoint-100/checkpoint-100/ the checkpoint's files, hard links: the trainer may delete its own meanwhile
    checkpoint-100/options.json    what was asked; log and out beside it: how it went, results and details
    progress.jsonl                 one line per checkpoint and task: step, task, pass@1 and its errors

A failed evaluation, submission or push is logged, and training goes on.
"""

import json
import logging
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lighteval_r1.engines.machine import free_gpus
from lighteval_r1.outside.decoding import read_json, row_of_others
from lighteval_r1.records import UserError

log = logging.getLogger(__name__)

# A model's folder is more than weights; the optimizer's state and the random state are not part of it.
NOT_MODEL = ("optimizer", "scheduler", "rng_state", "scaler", "trainer_state", "training_args", "global_step", "zero_")
# Of the training's own processes: vLLM would take them for its own.
LAUNCHER_VARIABLES = ["RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"]
LAUNCHER_VARIABLES += ["GROUP_RANK", "ROLE_RANK"]
LAUNCHER_PREFIXES = ("TORCHELASTIC_", "ACCELERATE_", "FSDP_", "DEEPSPEED_", "PMI", "OMPI_")
CLI = [sys.executable, "-m", "lighteval_r1.cli"]


@dataclass(frozen=True)
class Checkpoint:
    step: int
    folder: Path
    options: dict


@dataclass(eq=False)
class EvaluateCheckpoints(TrainerCallback):
    """Evaluates every `every`-th checkpoint that the trainer saves.

    tasks: as for `make evaluate`. on: "local" (a process on free GPUs; on the CPU where there is none) or "slurm" (a
    submitted job; see cluster). options: more options of `lighteval-r1 evaluate` (or submit), by name: {"n": 4}. model:
    a recipe's other model parameters: {"max_model_length": 4096}. cluster: the file that `submit --cluster` takes.
    push_to: a model repository that gets each evaluated checkpoint as the revision step-<N>, private where it is new.
    wait: whether the end of the training waits for evaluations that are still running on this machine.
    """

    tasks: str
    _: KW_ONLY
    every: int = 1
    on: str = "local"
    options: Mapping[str, object] = field(default_factory=dict)
    model: Mapping[str, object] = field(default_factory=dict)
    cluster: str = ""
    push_to: str = ""
    wait: bool = True

    def __post_init__(self) -> None:
        if self.on not in ("local", "slurm"):
            raise UserError(f"EvaluateCheckpoints(on={self.on!r}): it is neither 'local' nor 'slurm'.")
        if self.every < 1:
            raise UserError(f"EvaluateCheckpoints(every={self.every}): a whole number from 1 is needed.")
        self.n_saved = 0
        self.waiting: queue.Queue[Checkpoint | None] = queue.Queue()
        self.finished: queue.Queue[dict] = queue.Queue()
        self.worker: threading.Thread | None = None
        self.process: subprocess.Popen | None = None

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: object) -> None:
        if not state.is_world_process_zero:
            return
        self.n_saved += 1
        if self.n_saved % self.every:
            return
        try:
            checkpoint = self.prepare(
                Path(args.output_dir), step=state.global_step, tokenizer=more.get("processing_class")
            )
        except (OSError, UserError) as error:
            log.warning("checkpoint %s is not evaluated: %s", state.global_step, error)
            return
        if self.worker is None:
            self.worker = threading.Thread(target=self.work, name="evaluate-checkpoints", daemon=True)
            self.worker.start()
        self.waiting.put(checkpoint)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: object
    ) -> None:
        self.publish(args, state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: object
    ) -> None:
        if self.worker is None:
            return
        self.waiting.put(None)
        if self.wait:
            self.worker.join()
        self.publish(args, state)

    def prepare(self, output_dir: Path, *, step: int, tokenizer: object | None) -> Checkpoint:
        """The checkpoint's files in a folder of their own, and what is to be asked of it."""
        source = output_dir / f"checkpoint-{step}"
        folder = (output_dir / "evaluations" / source.name).absolute()
        model = folder / source.name
        link_model(source, model)
        if tokenizer is not None and not (model / "tokenizer_config.json").exists():
            tokenizer.save_pretrained(model)
        recipe = folder / "model.yaml"
        # JSON is YAML; these are names and numbers
        recipe.write_text(json.dumps({"model_parameters": {"model_name": str(model), **self.model}}))
        options = {"model": str(recipe), "task": self.tasks, "output_dir": str(folder / "out"), **self.options}
        (folder / "options.json").write_text(json.dumps(options))
        return Checkpoint(step, folder, options)

    def work(self) -> None:
        """One checkpoint after the other, beside the training."""
        while (checkpoint := self.waiting.get()) is not None:
            try:
                if self.push_to:
                    self.push(checkpoint)
                if self.on == "slurm":
                    self.submit(checkpoint)
                else:
                    self.evaluate(checkpoint)
            except (UserError, OSError, subprocess.SubprocessError) as error:
                log.warning("checkpoint %s: %s; training goes on", checkpoint.step, error)

    def push(self, checkpoint: Checkpoint) -> None:
        model = str(checkpoint.folder / checkpoint.folder.name)
        run_child([*CLI, "push-revision", model, self.push_to, f"step-{checkpoint.step:09d}"])

    def submit(self, checkpoint: Checkpoint) -> None:
        command = [*CLI, "submit", "--options", str(checkpoint.folder / "options.json")]
        command += ["--cluster", self.cluster, "--job-folder", str(checkpoint.folder / "jobs")]
        log.info("checkpoint %s: %s", checkpoint.step, run_child(command))

    def evaluate(self, checkpoint: Checkpoint) -> None:
        """Runs it to its end and reads its scores."""
        command = [*CLI, "evaluate", "--options", str(checkpoint.folder / "options.json")]
        gpus = free_gpus()
        if gpus == []:
            raise UserError("no GPU is free, so it is not evaluated; evaluate it later, or on='slurm'")
        environment = child_environment(gpus)
        if gpus and len(gpus) > 1 and not {"parallel", "num_gpus"} & set(checkpoint.options):
            command += ["--parallel", "data", "--num-gpus", str(len(gpus))]
        with (checkpoint.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        status = self.process.wait()
        if status:
            raise UserError(
                f"its evaluation ended with exit code {status}; the reason stands in {checkpoint.folder / 'log'}"
            )
        for scored in read_scores(checkpoint):
            self.finished.put(scored)

    def publish(self, args: TrainingArguments, state: TrainerState) -> None:
        """Scores that have come in, to progress.jsonl, to the trainer's history and to the trackers it reports to."""
        while not self.finished.empty():
            scored = self.finished.get()
            with (Path(args.output_dir) / "evaluations" / "progress.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps(scored) + "\n")
            name = f"{scored['task']}/pass@1"
            state.log_history.append({"step": scored["step"], "epoch": state.epoch, name: scored["pass@1"]})
            log.info("checkpoint %s: %s %.1f %%", scored["step"], name, 100 * scored["pass@1"])
            for tracker in ("wandb", "trackio"):
                if tracker in (args.report_to or []):
                    track(tracker, {name: scored["pass@1"], "checkpoint_step": scored["step"]})


def link_model(source: Path, target: Path) -> None:
    """The model's files of a checkpoint as hard links, copies where the file system has none."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if not path.is_file() or path.name.startswith(NOT_MODEL) or (target / path.name).exists():
            continue
        try:
            os.link(path, target / path.name)
        except OSError:
            shutil.copyfile(path, target / path.name)
    if not (target / "config.json").is_file():
        raise UserError(f"{source} has no config.json: only whole models can be evaluated, not adapters")


def child_environment(gpus: list[str] | None) -> dict[str, str]:
    """This process's environment without what a launcher of the training put there."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in LAUNCHER_VARIABLES and not name.startswith(LAUNCHER_PREFIXES)
    }
    if gpus:
        kept["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    return kept


def run_child(command: list[str]) -> str:
    """What it prints. UserError, with its reason, where it fails."""
    child = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=child_environment(None)
    )
    if child.returncode:
        reason = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise UserError(reason[-1].removeprefix("lighteval-r1: "))
    return child.stdout.strip()


def read_scores(checkpoint: Checkpoint) -> list[dict]:
    """One record per task of the checkpoint's newest run."""
    written = sorted((checkpoint.folder / "out").rglob("results_*.json"), key=lambda path: path.name)
    if not written:
        raise UserError(f"its evaluation left no results; its log: {checkpoint.folder / 'log'}")
    results = written[-1]
    records = []
    with row_of_others(results):
        ours = read_json(results)["config_general"]["model_config"]["lighteval_r1"]
        for task, described in sorted(ours["tasks"].items()):
            (estimate,) = described["estimates"].values()
            record = {"step": checkpoint.step, "task": task.removesuffix("|0"), "pass@1": estimate.pop("value")}
            records.append(record | estimate | {"results": str(results)})
    return records


def track(tracker: str, numbers: dict[str, float]) -> None:
    """Into the run that the trainer has open there. Without a step of its own: trackers refuse one that has gone by."""
    import importlib

    try:
        importlib.import_module(tracker).log(numbers)
    except (ImportError, RuntimeError, ValueError, OSError) as error:
        log.warning("%s did not take %s: %s", tracker, numbers, error)
