"""`lighteval-r1 requirements`: the pinned sets, which came with the installation."""

from dataclasses import dataclass

from lighteval_r1.cli.options import argument
from lighteval_r1.outside.shipped import pinned_set
from lighteval_r1.outside.words import say
from lighteval_r1.records import UserError


@dataclass(frozen=True, kw_only=True)
class RequirementsOptions:
    device: str = argument("gpu or cpu.")


def requirements_command(options: RequirementsOptions) -> None:
    """Print the exact versions that were tried together. For `pip install --no-deps -r`."""
    if options.device not in ("gpu", "cpu"):
        raise UserError(f"there is no set for {options.device!r}. There are two: gpu and cpu.")
    say(pinned_set(options.device).read_text(encoding="utf-8").rstrip("\n"))
