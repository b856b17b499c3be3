"""Repositories of the Hub: whether they are there, their files, and a data set's leaderboard."""

import os
import re
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lighteval_r1.outside.hub_files import no_model, out_of_reach
from lighteval_r1.outside.words import first_line, one_line
from lighteval_r1.records import UserError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetLeaderboardEntry


def check_model(model: str) -> None:
    """UserError where the Hub says that there is no such model; where it cannot be asked, nothing is known."""
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RepositoryNotFoundError

    try:
        HfApi().model_info(model, timeout=20)
    except RepositoryNotFoundError:
        raise no_model(model) from None
    except HFValidationError as error:
        raise UserError(f"cannot find model {model}: {first_line(error)}") from None
    except (HfHubHTTPError, OfflineModeIsEnabled, ConnectionError, httpx.TransportError):
        return


def leaderboard(data_set: str) -> "list[DatasetLeaderboardEntry] | None":
    """Every model's entry in the leaderboard of a data set; None where the Hub cannot be asked or has none."""
    if out_of_reach():
        return None
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return HfApi().get_dataset_leaderboard(data_set, base_model_only=False, timeout=20)
    except (HfHubHTTPError, httpx.TransportError):
        return None


def why_no_data(repo: str) -> str:
    """Why a data set cannot be had, found without loading it; "" where it can, or only loading it tells."""
    away = out_of_reach()
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    namespace = repo.partition("/")[0]
    cached = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets").expanduser()
    if (
        any(cached.glob(f"{namespace}___*"))
        or (Path(constants.HF_HUB_CACHE) / f"datasets--{repo.replace('/', '--')}").is_dir()
    ):
        return ""
    if away:
        return "it is not in the cache, and the Hub is out of reach"
    try:
        HfApi().dataset_info(repo, timeout=10)
    except GatedRepoError:
        return f"it is gated; ask for access at https://huggingface.co/datasets/{repo}"
    except (RepositoryNotFoundError, HFValidationError):
        return "there is no such data set on the Hub (or it is private and HF_TOKEN may not read it)"
    except (HfHubHTTPError, OSError):
        # loading it will say
        return ""
    return ""


def repo_files(repo: str, *, repo_type: str, revision: str | None = None) -> list[str]:
    """Names of the files of a repository. repo_type: "model" or "dataset". UserError where it cannot be read."""
    from huggingface_hub import HfApi

    with readable(repo, repo_type=repo_type):
        return list(HfApi().list_repo_files(repo_id=repo, repo_type=repo_type, revision=revision))


def download(repo: str, names: Iterable[str], *, repo_type: str, revision: str | None = None) -> Path:
    """A folder of the cache in which these files of a repository lie. UserError where they cannot be read."""
    from huggingface_hub import snapshot_download

    # A sign of patterns stands for itself in brackets.
    patterns = [re.sub(r"([\[*?])", r"[\1]", name) for name in names]
    with readable(repo, repo_type=repo_type):
        return Path(snapshot_download(repo_id=repo, repo_type=repo_type, revision=revision, allow_patterns=patterns))


@contextmanager
def readable(repo: str, *, repo_type: str):
    """Whatever keeps the block from reading a repository becomes one line."""
    out_of_reach()
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        yield
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, ConnectionError, httpx.TransportError) as error:
        raise UserError(f"cannot read hf://{repo_type}s/{one_line(repo)}: {first_line(error)}") from None
