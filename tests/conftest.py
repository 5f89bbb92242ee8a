"""What several test rooms share: where the shared data lies, and which real servers are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data; a test that needs it is skipped by name, or fails, where it is absent."""
    folder = Path(os.environ.get("SURVEY_SHARED", ROOT.parent / "shared"))
    if not (folder / "register").is_dir():
        message = f"shared data not found at {folder} (set SURVEY_SHARED)"
        if os.environ.get("SURVEY_REQUIRE_SHARED") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder
