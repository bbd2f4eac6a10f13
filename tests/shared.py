"""The material beside the project (specifications, real packages); tests that need it skip where it is absent."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1].parent / "shared"


def shared(relative: str) -> Path:
    """The file or folder below the shared material, or a skip that says what is missing."""
    found = ROOT / relative
    if not found.exists():
        pytest.skip(f"needs ../shared/{relative}, which is not beside the project")
    return found
