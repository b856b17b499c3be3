"""Files of models, from the Hub or its cache, and whether it is in reach. Its libraries are imported when needed."""

import os
import socket
import sys
import urllib.parse
from functools import cache
from pathlib import Path

from lighteval_r1.outside.words import first_line
from lighteval_r1.records import UserError

# Whether there is a way to the Hub is known in a moment, or there is none; its libraries would try for half a minute.
REACH_S = 2.0


def out_of_reach() -> bool:
    """Whether the Hub cannot be asked: HF_HUB_OFFLINE, or nobody is there; then no library asks it any more.

    Behind a proxy nothing is tried: the proxy may know what this machine does not.
    """
    constants = sys.modules.get("huggingface_hub.constants")
    said = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if constants.HF_HUB_OFFLINE if constants else said:
        return True
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY")):
        return False
    if answers(constants.ENDPOINT if constants else os.environ.get("HF_ENDPOINT") or "https://huggingface.co"):
        return False
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in ("huggingface_hub.constants", "datasets.config"):
        if name in sys.modules:
            sys.modules[name].HF_HUB_OFFLINE = True
    return True


def check_reach() -> None:
    """UserError where nothing can be pushed now: better before a run than by tries that go on for minutes."""
    if out_of_reach():
        raise UserError("the Hub is out of reach (or HF_HUB_OFFLINE is set), so nothing can be uploaded.")


@cache
def answers(address: str) -> bool:
    """Whether somebody is there."""
    parts = urllib.parse.urlsplit(address)
    try:
        port = parts.port or (80 if parts.scheme == "http" else 443)
        socket.create_connection((parts.hostname, port), REACH_S).close()
    except OSError:
        return False
    return True


def hf_home() -> Path:
    """Where Hugging Face's libraries keep what is theirs: HF_HOME, else in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or Path(cache) / "huggingface").expanduser()


def token() -> str | None:
    """The user's Hugging Face token; None where there is none."""
    from huggingface_hub import get_token

    return get_token()


def hub_commit(model: str, *, revision: str) -> str:
    """The commit that a Hub revision stands for now, or stood for when it was cached."""
    out_of_reach()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        path = hf_hub_download(model, "config.json", revision=revision)
    except GatedRepoError:
        raise UserError(
            f"{model} is gated: ask for access at https://huggingface.co/{model}, then run `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise no_model(model) from None
    except LocalEntryNotFoundError:
        raise UserError(
            f"{model} (revision {revision}) is neither a local folder nor in the cache, and the Hub is out of reach. "
            "Give a local folder, or download the model where there is internet."
        ) from None
    except (HfHubHTTPError, ValueError) as error:
        raise UserError(f"cannot find model {model}, revision {revision}: {first_line(error)}") from None
    return Path(path).parent.name


def no_model(model: str) -> UserError:
    return UserError(f"there is no model {model} on the Hub (or it is private and HF_TOKEN may not read it).")


def model_file(model: str, name: str, *, revision: str | None = None, fetch: bool = True) -> Path | None:
    """A file of a model's folder, or of a model of the Hub; None where it is not there, or out of reach and not cached.

    fetch False: what is not in the cache is not asked of the Hub.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    if fetch:
        out_of_reach()
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

    try:
        if fetch:
            return Path(hf_hub_download(model, name, revision=revision))
        # Not hf_hub_download(local_files_only=True): it connects all the same, for a list of agents' names.
        cached = try_to_load_from_cache(model, name, revision=revision)
        return Path(cached) if isinstance(cached, str) else None
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError):
        return None
