"""LightEval's own command for a run, and what stands around it: its words go to a log, whatever ends it is one line."""

import errno
import logging
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.engines.model_files import ModelIdentity
from lighteval_r1.engines.model_section import ModelSection, recipe_text
from lighteval_r1.engines.vllm import ReplicaProcess, VllmEngine
from lighteval_r1.outside.left_out import left_out
from lighteval_r1.outside.log_file import logged
from lighteval_r1.outside.words import one_line, tell
from lighteval_r1.records import UserError, sha256
from lighteval_r1.runs.results_file import Ours
from lighteval_r1.sampling.journal import write_whole
from lighteval_r1.sampling.progress import heeded_signals

LOG = "lighteval.log"
# What is loaded, and about how long it takes; vLLM is imported meanwhile, in its replicas' processes.
WITH_VLLM = "LightEval and vLLM: about half a minute, and as long as the model's weights take"
ALONE = "LightEval: about ten seconds; the server is asked meanwhile"
# What LightEval imports and no task of ours needs: its other engines, judges and metrics, and what those import. Half
# of the CPU time that importing LightEval takes (benchmarks/endpoint_client.py).
UNUSED = (
    *(f"lighteval.models.{kind}" for kind in ("dummy", "endpoints", "sglang", "transformers")),
    *("accelerate", "inspect_ai", "latex2sympy2_extended", "nltk", "scipy.stats", "sklearn", "sympy"),
    "transformers.generation.utils",
)
# Nor do a server's replies need these.
UNUSED_ALONE = (*UNUSED, "lighteval.models.vllm", "torch", "transformers")
# Of a disk or a folder, not of the network.
CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


@contextmanager
def lighteval_run(output_dir: Path, *, loading: str, verbose: bool) -> Iterator[None]:
    """loading: WITH_VLLM or ALONE. verbose: what LightEval and the others say is shown, too."""
    log = output_dir / LOG
    tell(f"Loading {loading}." + ("" if verbose else f" What they say goes to {log} (VERBOSE=1 shows it here)."))
    with stopped_in_words(), saved(output_dir), nullcontext() if verbose else logged(log):
        records = [logging.StreamHandler(), *([] if verbose else [ErrorsShown(logging.ERROR)])]
        logging.basicConfig(level=logging.INFO, format="[%(asctime)s] [%(levelname)s]: %(message)s", handlers=records)
        logging.captureWarnings(capture=True)
        yield


def vllm_engine(
    parameters: Mapping, *, section: ModelSection, identity: ModelIdentity, processes: list[ReplicaProcess]
) -> VllmEngine:
    """The engine of a run, before it is started. parameters: LightEval's, which is imported: slow."""
    with left_out(UNUSED):
        from lighteval_r1.plugin import pipeline, vllm_arguments  # noqa: F401  both, while what they name is left out
    config = vllm_arguments.VLLMModelConfig(**parameters)
    return vllm_arguments.make_engine(config, identity=identity, section=section, processes=processes)


class ErrorsShown(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(one_line(record.getMessage()))


@contextmanager
def saved(output_dir: Path) -> Iterator[None]:
    """UserError where results cannot be written. What was drawn lies in the journal."""
    try:
        yield
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        raise UserError(
            f"cannot write {error.filename or output_dir}: {error.strerror}. Every reply is kept; make room or mend "
            "the folder's rights, and the same command suffices."
        ) from None


@contextmanager
def stopped_in_words() -> Iterator[None]:
    """Signals that are heeded end the process with a line; while samples are drawn, the loop says how many."""

    def stop(number: int, _: object) -> None:
        tell("Stopped. What was drawn before is kept; the same command goes on.")
        raise SystemExit(128 + number)

    before = heeded_signals()
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, how in before.items():
            signal.signal(number, how)


@dataclass(frozen=True)
class Configuration:
    """The model's configuration as LightEval reads it. Named by its content: jobs side by side read each their own."""

    text: str

    @classmethod
    def of(cls, parameters: dict, section: ModelSection) -> "Configuration":
        return cls(recipe_text(parameters, section.record))

    @property
    def name(self) -> str:
        return f"model-{sha256(self.text)[:8]}.yaml"

    def write(self, folder: Path) -> None:
        write_whole(folder / self.name, self.text.encode())


def same_run(
    command: list[str], parameters: Mapping, section: ModelSection, *, identity: ModelIdentity
) -> Callable[[Ours], bool]:
    """Whether results are of this command: it names what was asked, its file by what stands in it, and the model is as
    it was. An adapter or a tokenizer of another place may have changed."""

    def same(ours: Ours) -> bool:
        settings = ours.settings
        unchanged = (settings.get("model"), settings.get("revision")) == (identity.name, identity.revision)
        elsewhere = section.lora or parameters.get("tokenizer")
        return unchanged and not elsewhere and ours.environment.get("command") == shlex.join(command)

    return same


def lighteval_command(model_args: Path, tasks: str, *, output_dir: Path, wandb: bool) -> list[str]:
    """LightEval's own command for this run, as anyone may say it by hand."""
    lighteval = str(Path(sys.executable).parent / "lighteval")
    command = [lighteval, "vllm", str(model_args), tasks, "--custom-tasks", "lighteval_r1.plugin"]
    return [*command, "--save-details", "--output-dir", str(output_dir), *(["--wandb"] if wandb else [])]
