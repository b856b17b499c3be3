"""What tests share: where the real data lies, and a machine without internet."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

SHARED = Path(os.environ.get("LIGHTEVAL_R1_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data in {SHARED} (set LIGHTEVAL_R1_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory):
    """A real server, starting; it is up once its .url is asked for."""
    from vllm_server import VllmServer

    server = VllmServer(tmp_path_factory.mktemp("vllm") / "server.log")
    yield server
    server.stop()
