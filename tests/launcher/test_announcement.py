"""What the launcher says before it installs: the files that the resolver names, as heavy as their server says."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from rig_checkout import FAKE_UV, Checkout

from dreamrig import resolved

MIB = 1 << 20


def wheel_of(stored_mib: int, zeros_mib: int) -> bytes:
    """A wheel: bytes that lie in it as they are, and zeros that pack to nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("stored", bytes(stored_mib * MIB))
        archive.writestr("zeros", bytes(zeros_mib * MIB), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class Index:
    """A package server on loopback; it counts the bytes of packages that it gave away."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.given = 0
        self.tells_sizes = self.gives_parts = True
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(200)
                if index.tells_sizes:
                    self.send_header("Content-Length", str(len(index.files[self.path])))
                self.end_headers()

            def do_GET(self) -> None:
                data = index.files[self.path]
                part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
                found = index.gives_parts and part is not None
                if part is not None and found:
                    data = data[int(part[1]) : int(part[2]) + 1]
                self.send_response(206 if found else 200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if found:
                    index.given += len(data)
                    self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, name: str, content: bytes) -> str:
        self.files[f"/{name}"] = content
        return f"{self.address}/{name}"


@pytest.fixture
def index() -> Iterator[Index]:
    made = Index()
    Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def report(folder: Path, *files: tuple[str, str, str]) -> str:
    """A report as pip writes it: (name, version, address)."""
    install = [
        {"metadata": {"name": name, "version": version}, "download_info": {"url": url}} for name, version, url in files
    ]
    path = folder / "report.json"
    path.write_text(json.dumps({"version": "1", "install": install}))
    return str(path)


def lock(folder: Path, *wheels: tuple[str, int]) -> str:
    """A lock as uv writes it, of torch with these files: (address, size)."""
    rows = ", ".join(f'{{ url = "{url}", size = {size}, hashes = {{}} }}' for url, size in wheels)
    path = folder / "pylock.toml"
    path.write_text(f'[[packages]]\nname = "torch"\nversion = "2.13.0+cpu"\nwheels = [{rows}]\n')
    return str(path)


@pytest.fixture
def two_files(index: Index, tmp_path: Path) -> str:
    """torch of 17 MiB that unpack to 57, and one of 2 MiB."""
    torch = index.add("torch-2.13.0-cp311-cp311-linux_x86_64.whl", wheel_of(17, 40))
    small = index.add("small-1-py3-none-any.whl", wheel_of(2, 0))
    return report(tmp_path, ("torch", "2.13.0+cpu", torch), ("small", "1", small))


def test_what_pip_resolved_is_announced_with_the_sizes_of_its_server(
    checkout: Checkout, index: Index, two_files: str
) -> None:
    code, _, err = checkout.run(FAKE_REPORT=two_files, DREAMRIG_TORCH="cpu")
    assert code == 0
    assert "this once (2 files, with torch 2.13.0+cpu: 20 MiB to fetch, 66 MiB on disk)" in err
    # 17 + 40, four times 2, and what the archives themselves weigh
    assert index.given < MIB  # tables of contents, no packages
    (dry,) = checkout.calls("dry")
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in dry
    assert len(checkout.calls("pip")) == 1


def test_the_resolver_is_asked_for_what_the_project_file_names(checkout: Checkout, two_files: str) -> None:
    (checkout.root / "pyproject.toml").write_text(
        "[project]\nname = 'dreamrig'\ndependencies = ['rich>=13']\n"
        "[project.optional-dependencies]\nserve = ['jinja2']\n"
    )
    checkout.run(FAKE_REPORT=two_files)
    assert checkout.calls("dry")[0].endswith(" rich>=13 jinja2")


def test_room_is_checked_for_what_was_resolved(checkout: Checkout, two_files: str) -> None:
    (checkout.bin / "df").unlink()
    free = checkout.add_command("df", "#!/bin/sh\nprintf 'Filesystem\\n/dev/x 9000000 1 71680\\n'\n")
    code, _, err = checkout.run(FAKE_REPORT=two_files)
    assert (code, "need 86 MiB on the disk" in err, "70 MiB are free" in err) == (4, True, True), err
    assert checkout.calls("pip") == []
    free.write_text(free.read_text().replace("71680", "92160"))
    assert checkout.run(FAKE_REPORT=two_files)[0] == 0  # the table would ask for 8000


def test_where_uv_installs_uv_is_asked(checkout: Checkout, index: Index, tmp_path: Path) -> None:
    checkout.add_command("uv", FAKE_UV)
    content = wheel_of(17, 40)
    ours = index.add("torch-2.13.0-py3-none-any.whl", content)
    files = lock(tmp_path, (f"{index.address}/torch-2.13.0-py3-none-win32.whl", 9), (ours, len(content)))
    code, _, err = checkout.run(FAKE_LOCK=files, DREAMRIG_TORCH="cpu")
    assert code == 0
    assert "(1 files, with torch 2.13.0+cpu: 18 MiB to fetch, 57 MiB on disk)" in err
    (dry,) = checkout.calls("dry")
    assert "--torch-backend=cpu" in dry
    assert len(checkout.calls("uv")) == 1


def test_a_pip_that_begins_to_fetch_is_stopped_and_the_table_serves(checkout: Checkout, two_files: str) -> None:
    says = "  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (539.1 MB)"
    code, _, err = checkout.run(FAKE_REPORT=two_files, FAKE_DRY_SAYS=says)
    assert code == 0
    assert "with CUDA about 3 GB to fetch" in err


def test_metadata_that_pip_fetches_does_not_stop_it() -> None:
    assert resolved.FETCHES.match("  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (1.2 GB)")
    assert not resolved.FETCHES.match("  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl.metadata (29 kB)")


@pytest.mark.parametrize("trouble", ["no sizes", "gone", "no report"])
def test_what_cannot_be_told_is_announced_by_the_table(
    checkout: Checkout, index: Index, two_files: str, trouble: str
) -> None:
    index.tells_sizes = trouble != "no sizes"
    if trouble == "gone":
        index.server.shutdown()
        index.server.server_close()
    code, _, err = checkout.run(FAKE_REPORT="" if trouble == "no report" else two_files)
    assert (code, "with CUDA about 3 GB to fetch" in err) == (0, True), err


def test_a_server_that_gives_no_parts_leaves_an_estimate(checkout: Checkout, index: Index, two_files: str) -> None:
    index.gives_parts = False
    _, _, err = checkout.run(FAKE_REPORT=two_files)
    assert "20 MiB to fetch, 77 MiB on disk" in err


def test_files_of_this_disk_are_not_fetched(checkout: Checkout, tmp_path: Path) -> None:
    wheel = tmp_path / "a b-1-py3-none-any.whl"
    wheel.write_bytes(wheel_of(1, 2))
    _, _, err = checkout.run(FAKE_REPORT=report(tmp_path, ("a", "1", wheel.as_uri())))
    assert "(1 files: 0 MiB to fetch, 3 MiB on disk)" in err


def test_a_resolver_that_does_not_answer_is_left(tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    with pytest.raises(resolved.Unknown):
        resolved.ask_pip(str(slow), ["torch"], [], time.monotonic() + 0.2)


def test_an_update_asks_nobody(checkout: Checkout, two_files: str) -> None:
    checkout.run(FAKE_REPORT=two_files)
    (checkout.root / "pyproject.toml").write_text("[project]\nname = 'dreamrig'\nversion = '2'\n")
    checkout.run(FAKE_REPORT=two_files)
    assert len(checkout.calls("dry")) == 1
