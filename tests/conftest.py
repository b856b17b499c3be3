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
