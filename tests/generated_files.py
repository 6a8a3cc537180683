"""Files that `daybreak new` writes, held against the project's linter and formatter."""

import shutil
import subprocess
import sys
from pathlib import Path

from daybreak.settings import PROJECT


def lint(files: dict[str, str], folder: Path) -> str:
    """Run the project's linter and formatter over rendered files; return what they say."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    shutil.copy(PROJECT / "pyproject.toml", folder)
    # What is imported is told from others' packages by being there.
    (folder / "plugins").symlink_to(PROJECT / "plugins")
    (folder / "include" / "daybreak").symlink_to(PROJECT / "include" / "daybreak")
    ours = [folder / path for path in files if path.endswith(".py")]
    said = ""
    for command in (["check", "--no-cache"], ["format", "--check", "--diff", "--no-cache"]):
        done = subprocess.run(
            [Path(sys.executable).parent / "ruff", *command, *ours],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        said += done.stdout + done.stderr if done.returncode else ""
    return said
