"""The wheel in an empty environment: only what it depends on is there, and it serves from any folder."""

import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
#: What belongs into the package, by suffix; anything else has been left behind there.
SUFFIXES = {
    *(".py", ".typed", ".sql", ".toml", ".json", ".png", ".svg", ".csv", ".txt", ".pdf", ".html", ".js", ".css"),
    *(".rq", ".ttl"),
}
CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("AAS_SERVER_", "PYTHON", "VIRTUAL_"))
}


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, env=CLEAN, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, PROJECT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`aas-server` installed from the wheel, with its runtime dependencies and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    return folder / "bin" / "aas-server"


def test_the_wheel_holds_what_the_server_needs_and_nothing_else(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    for needed in (
        "aas_server/py.typed",
        "aas_server/storage/sqlite.sql",
        "aas_server/web/console.html",
        "aas_server/web/yasgui/yasgui.min.js",
        "aas_server/web/yasgui/yasgui.min.css",
        "aas_server/web/yasgui/LICENSE.txt",
        "aas_server/data/submodels/examples/conveyor.json",
        "aas_server/data/schemas/aas-3.1.schema.json",
        "aas_server/data/mappings/README.md",
        "aas_server/data/conformance/deviations.toml",
    ):
        assert needed in names
    assert [
        name for name in names if not name.startswith("aas_server/") or "test" in name or "__pycache__" in name
    ] == []
    kept = {
        "aas_server/web/yasgui/README.md",
        "aas_server/data/submodels/README.md",
        "aas_server/data/schemas/README.md",
        "aas_server/data/mappings/README.md",
    }
    assert [name for name in names if Path(name).suffix not in SUFFIXES and name not in kept] == []


def test_it_serves_the_examples_from_a_foreign_folder(program: Path, tmp_path: Path) -> None:
    command = [str(program), "serve", "--port", "0", "--store", "sqlite:///plant.db", "--examples"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if "ready; try" in line:
                break
        found = re.search(r"listens on (http://\S+)", output)
        assert found, output
        with urllib.request.urlopen(f"{found[1]}/shells", timeout=30) as answer:
            assert json.load(answer)["result"]
        process.terminate()
        process.stdout.read()
        assert process.wait(30) == 0
    assert (tmp_path / "plant.db").exists()


def test_its_tools_work_without_the_project(program: Path, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"modelType": "Submodel", "id": "urn:x:1"}', encoding="utf-8")
    assert "in.json: 1 created" in run(program, "import", "in.json", "--store", "sqlite:///x.db", cwd=tmp_path)
    assert "1 documents" in run(program, "export", "x.aasx", "--store", "sqlite:///x.db", cwd=tmp_path)
    assert "1 created" in run(program, "check", "x.aasx", cwd=tmp_path)
    assert run(program, "settings", cwd=tmp_path) == (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
