"""What is found of a run before anything slow begins; a command hands it on to the program that it becomes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lighteval_r1.engines.model_files import ModelIdentity, identify, identity_files
from lighteval_r1.outside import variables
from lighteval_r1.tasks import Task
from lighteval_r1.tasks.specs import check_data
from lighteval_r1.tasks.task import local_file


class Findings:
    """Facts by name, each with the sizes and times of the files that it was found in: it holds while they stay so."""

    def __init__(self, facts: dict[str, dict] | None = None) -> None:
        self.facts = facts or {}

    @classmethod
    def handed_down(cls) -> "Findings":
        return cls(variables.FINDINGS.take())

    def hand_down(self) -> None:
        """To the program that this process becomes."""
        variables.FINDINGS.set(self.facts)

    def once(self, name: str, files: Iterable[Path], find: Callable[[], Any]) -> Any:
        stats = {str(path.absolute()): path.stat() for path in files}
        files_now = {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}
        fact = self.facts.get(name)
        if fact is None or fact["files"] != files_now:
            fact = self.facts[name] = {"files": files_now, "value": find()}
        return fact["value"]

    def identity(self, parameters: Mapping) -> ModelIdentity:
        """Which model LightEval's parameters name. UserError where it is neither a folder with weights nor a Hub id."""
        model, revision = str(parameters["model_name"]), str(parameters.get("revision") or "main")
        load_format = parameters.get("load_format")

        def find() -> dict:
            return asdict(identify(model, revision=revision, load_format=load_format))

        return ModelIdentity(**self.once(f"model {model} {revision} {load_format}", identity_files(model), find))

    def check_data(self, tasks: Iterable[Task]) -> None:
        """UserError unless the rows of all can be had."""
        for task in tasks:
            path = local_file(task)
            self.once(
                f"data of {task.name} {task.portion or ''}",
                [] if path is None else [path],
                lambda task=task: check_data(task),
            )
