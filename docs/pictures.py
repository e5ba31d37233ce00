"""
The pictures of the README: the lineage in the Dagster UI and the first screen of the nightly report.

    python docs/pictures.py FOLDER RUN_DATE

FOLDER holds `data/` and `.dagster/` of a finished `alpha-pipeline run`. A web server is started there on loopback,
headless Chromium takes the screenshots, Pillow reduces their colours; both files stay below 300 kB.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parent / "pictures"
LARGEST = 300_000  # bytes
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main() -> None:
    """Take both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="working folder of a finished run")
    parser.add_argument("run_date", help="run date whose report is shown, YYYY-MM-DD")
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    report = (options.folder / "data" / "reports" / f"{options.run_date}.html").resolve()
    take(report.as_uri(), PICTURES / "report.png", 1280, 1100, wait_ms=3_000)
    with tempfile.TemporaryDirectory() as log:
        port, server = _serve(options.folder, Path(log) / "server.log")
        try:
            lineage = PICTURES / "lineage.png"
            address = f"http://127.0.0.1:{port}/asset-groups?expanded=global@global:crypto"
            take(address, lineage, 1440, 1300, wait_ms=40_000)
            Image.open(lineage).crop((560, 200, 1420, 1010)).save(lineage, optimize=True)  # the graph without menus
        finally:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(30)


def take(address: str, target: Path, width: int, height: int, wait_ms: int) -> None:
    """
    Screenshot of an address.

    Raises:
        SystemExit: the picture is larger than allowed in the repository.
    """
    with tempfile.TemporaryDirectory() as profile:
        shot = Path(profile) / "shot.png"
        options = (f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--virtual-time-budget={wait_ms}")
        subprocess.run(
            [*CHROMIUM, *options, f"--screenshot={shot}", address], check=True, capture_output=True, timeout=300
        )
        Image.open(shot).convert("RGB").quantize(96).save(target, optimize=True)
    if target.stat().st_size >= LARGEST:
        raise SystemExit(f"{target} has {target.stat().st_size:,} bytes; expected fewer than {LARGEST:,}")
    sys.stdout.write(f"{target.name}: {target.stat().st_size:,} bytes\n")


def _serve(folder: Path, log: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """A web server in the folder, ready to answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [str(Path(sys.executable).with_name("dagster-webserver")), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "DAGSTER_HOME": str(folder.resolve())}, stdout=log.open("w"),
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5).close()
            break
        except OSError:
            time.sleep(1)
    return port, server


if __name__ == "__main__":
    main()
