"""Says whether the wheel holds what the program needs beside its modules; exits 1 with what is missing."""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
NEEDED_SUFFIXES = {".py", ".txt", ".toml", ".tsv", ".html", ".pdf", ".typed"}


def main(folder: Path) -> int:
    """Hold the newest wheel in ``folder`` against the files of the package."""
    wheel = max(folder.glob("faxbridge-*.whl"), key=lambda path: path.stat().st_mtime)
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    package = (path.relative_to(ROOT).as_posix() for path in (ROOT / "bridge").rglob("*") if path.is_file())
    wanted = {path for path in package if Path(path).suffix in NEEDED_SUFFIXES and "__pycache__" not in path}
    missing = sorted(wanted - inside)
    if missing:
        sys.stderr.write(f"{wheel.name} lacks: {', '.join(missing)}\n")
        return 1
    sys.stdout.write(f"{wheel.name}: {len(wanted)} files of the package, none missing\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
