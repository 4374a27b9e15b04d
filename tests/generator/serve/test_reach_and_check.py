"""How friends reach a server, whether an address really leads to it, and whether everything is in order."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import NotReadyError
from generator.serve import reach, shares
from generator.serve.cli import base_url
from generator.serve.home import Home, held, write_address
from generator.serve.settings import ServeSettings
from generator.serve.store import Store
from generator.serve.upkeep import check, commands
from generator.serve.upkeep.situation import DatabaseLook, Situation, as_it_runs, look, windows_time
from generator.serve.watching import probe
from provision.doctor.check import CheckVerdict
from provision.machine.machine import Ran

SECRET = b"of this home"


class FakePrograms:
    """A machine with the programs that a test names."""

    system = "linux"
    root = "/src"

    def __init__(self, wsl: str | None = None, *files: str, **said: str) -> None:
        self.files, self.wsl, self.said = files, wsl, {name.replace("_", "-"): text for name, text in said.items()}

    def env(self, name: str) -> str | None:
        return self.wsl if name == "WSL_DISTRO_NAME" else None

    def which(self, name: str) -> str | None:
        return name if name in self.said else None

    def exists(self, path: str) -> bool:
        return path in self.files

    def read(self, path: str, limit: int = 0) -> bytes | None:
        return None

    def run(self, *argv: str, **more: Any) -> Ran:
        name = argv[0].removesuffix(".exe")
        return Ran(argv, 0, self.said[name].encode()) if name in self.said else Ran(argv, 127)


def applies(machine: Any) -> list[str]:
    return [way.name for way in reach.ways(ServeSettings(), reach.look_around(machine)) if not way.lacks]


def test_a_machine_is_told_the_ways_that_it_has() -> None:
    assert applies(FakePrograms()) == ["this PC", "the LAN"]
    nat = FakePrograms("Ubuntu", wslinfo="nat\n", hostname="fe80::1 172.20.3.4 \n", tailscale=TAILNET, cloudflared="")
    assert applies(nat) == [
        "this PC",
        "Tailscale Serve",
        "the LAN, WSL in NAT mode",
        "Cloudflare quick tunnel",
        "Tailscale Funnel",
    ]
    assert applies(FakePrograms("Ubuntu", wslinfo="mirrored")) == ["this PC", "the LAN, WSL in mirrored mode"]
    assert applies(FakePrograms("Ubuntu")) == ["this PC", "the LAN, WSL in NAT mode"], "an old WSL has no wslinfo"


TAILNET = json.dumps({"Self": {"DNSName": "rig.cat-crab.ts.net."}})


def test_commands_carry_this_machines_own_names_and_each_has_its_way_back() -> None:
    nat = FakePrograms("Ubuntu", wslinfo="nat", hostname="fe80::1 172.20.3.4", tailscale=TAILNET)
    text = reach.advice(reach.ways(ServeSettings(port=8701), reach.look_around(nat)))  # type: ignore[arg-type]
    assert "connectaddress=172.20.3.4" in text
    assert "--public-url https://rig.cat-crab.ts.net" in text
    assert "delete v4tov4 listenport=8701" in text
    assert "as administrator" in text
    assert "#41251" in text, "why mirrored mode is no advice for everybody"
    assert "router" not in text.lower()
    assert "8700" not in text
    of_windows = "\\\\wsl.localhost\\Ubuntu\\src\\powershell\\reach.ps1"
    own = FakePrograms("Ubuntu", "/src/powershell/reach.ps1", wslinfo="nat", wslpath=of_windows)
    text = reach.advice(reach.ways(ServeSettings(port=8701), reach.look_around(own)))  # type: ignore[arg-type]
    assert f'-File "{of_windows}" -Distribution Ubuntu -Port 8701' in text
    assert f'Undo: powershell -NoProfile -ExecutionPolicy Bypass -File "{of_windows}" -Undo' in text
    assert "netsh" not in text, "a task leads the port on, whatever address WSL has"
    mirrored = reach.advice(reach.ways(ServeSettings(), reach.Surroundings(is_wsl=True, networking="mirrored")))
    assert "#12891" in mirrored
    assert "Remove-NetFirewallHyperVRule" in mirrored


@pytest.mark.parametrize("said", ["", "not json", "[]", '{"Self": null}', '{"Self": {"DNSName": ""}}'])
def test_a_tailscale_that_is_not_in_a_tailnet_has_no_name(said: str) -> None:
    assert reach.tailscale_name(FakePrograms(tailscale=said)) is None  # type: ignore[arg-type]


# ---- from outside in


def test_our_own_address_leads_here_and_a_strangers_answer_does_not(site: Any) -> None:
    secret = site.home.secret()
    assert probe.probe(site.url, secret).is_us
    other = probe.probe(site.url, b"another home's")
    assert not other.is_us
    assert "somebody else" in other.sentence


def test_a_name_that_the_server_does_not_go_by_is_told_with_the_command(site: Any) -> None:
    found = probe.probe(f"http://127.1:{site.port}", site.home.secret())
    assert not found.is_us
    assert f"--public-url http://127.1:{site.port}" in found.fix


@pytest.mark.parametrize("nonce", ["", "short", "a" * 65, "a" * 20 + "%0a"])
def test_only_a_fresh_question_is_answered(site: Any, nonce: str) -> None:
    assert site.visitor().get(f"{probe.PATH}?nonce={nonce}").status_code == 404


def test_what_it_signs_opens_no_shared_picture(site: Any) -> None:
    nonce = "share-1-xxxxxxxxxxxx"
    said = site.visitor().get(f"{probe.PATH}?nonce={nonce}").text.strip()
    assert said == probe.proof(site.home.secret(), nonce)
    assert shares.signed(site.service.secret, "share 1") not in said


@pytest.fixture
def elsewhere() -> Iterator[Callable[[int, bytes], str]]:
    """A server that is not ours, and answers as a test says."""
    started: list[HTTPServer] = []

    def start(status: int, body: bytes) -> str:
        class Other(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *given: Any) -> None:
                """Nothing."""

        started.append(HTTPServer(("127.0.0.1", 0), Other))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, b"<html>a router</html>", "somebody else"),
        (302, b"", "sends on"),
        (502, b"", "does not find the server"),
        (530, b"", "does not find the server"),
        (404, b"", "answers 404"),
    ],
)
def test_whoever_answers_instead_is_told_apart(elsewhere: Any, status: int, body: bytes, says: str) -> None:
    found = probe.probe(elsewhere(status, body), SECRET)
    assert not found.is_us
    assert says in found.sentence
    assert found.fix


def test_an_address_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert "nobody listens there" in probe.probe(f"http://127.0.0.1:{port}", SECRET).sentence

    def unknown(url: str) -> tuple[int, bytes]:
        raise socket.gaierror(-2, "Name or service not known")

    found = probe.probe("https://gone.trycloudflare.com", SECRET, unknown)
    assert "nobody knows that name" in found.sentence
    assert "another name each time" in found.fix


def test_windows_opens_the_address_as_its_browsers_would() -> None:
    asked: list[str] = []

    class Windows(FakePrograms):
        def run(self, *argv: str, **more: Any) -> Ran:
            asked.append(argv[-1])
            nonce = argv[-1].rpartition("=")[2]
            return Ran(argv, 0, f"{probe.proof(SECRET, nonce)}\n\n200".encode())

    fetch = probe.fetch_from_windows(Windows("Ubuntu", curl=""))  # type: ignore[arg-type]
    assert probe.probe("http://127.0.0.1:8700", SECRET, fetch).is_us
    assert asked[0].startswith("http://127.0.0.1:8700/.well-known/dreamrig?nonce=")
    gone = probe.fetch_from_windows(FakePrograms("Ubuntu"))  # type: ignore[arg-type]
    assert "Windows' curl says" in probe.probe("http://127.0.0.1:8700", SECRET, gone).sentence


def test_reach_tries_the_running_server_and_ends_with_3_where_an_address_is_wrong(site: Any, capsys: Any) -> None:
    write_address(site.home, site.url, site.server.token, 1)
    machine: Any = FakePrograms()
    assert commands.print_reach(site.home, site.settings, machine, as_json=False) == 0
    assert f"good   {site.url} leads here." in capsys.readouterr().out
    wrong = replace(site.settings, public_url="http://127.0.0.1:1")
    assert commands.print_reach(site.home, wrong, machine, as_json=True) == 3
    told = json.loads(capsys.readouterr().out)
    assert [one["is_us"] for one in told["data"]["tried"]] == [True, False]
    assert told["ok"] is False


def test_flags_of_the_running_server_are_in_links_and_advice(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.folder.mkdir(parents=True)
    write_address(home, "http://127.0.0.1:8701", "token", 1, "https://rig.example/")
    own = ServeSettings()
    assert base_url(home, own) == "http://127.0.0.1:8701", "it does not run any more"
    with held(home):
        assert base_url(home, own) == "https://rig.example", "a link to this PC would lead a friend nowhere"
        assert as_it_runs(home, own) == replace(own, port=8701, public_url="https://rig.example/")
        write_address(home, "http://127.0.0.1:8701", "token", 1)
        assert base_url(home, replace(own, public_url="https://set.example")) == "https://set.example"
        text = reach.advice(reach.ways(as_it_runs(home, own), reach.Surroundings()))
    assert "open http://127.0.0.1:8701" in text
    assert "dreamrig serve --port 8701 --host 0.0.0.0 --public-url http://ADDRESS:8701" in text


# ---- everything in order


def verdicts(seen: Situation) -> dict[str, CheckVerdict]:
    return {one.check: one.verdict for one in check.judge(seen)}


def test_a_running_server_is_in_order(site: Any) -> None:
    site.until_ready()
    site.friend("ann")
    write_address(site.home, site.url, site.server.token, 1)
    with held(site.home):
        seen = look(site.home, site.settings, FakePrograms(), ask=lambda *words: site.owner().get(words[1]).json())  # type: ignore[arg-type]
    findings = check.judge(seen)
    assert {str(one.verdict) for one in findings} == {"PASS"}, [one.sentence for one in findings]
    assert list(check.lines(findings))[-1] == "In order."


def test_a_home_that_was_never_used_asks_for_a_start_and_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    seen = look(home, ServeSettings(port=0, keep_free_mib=0), FakePrograms())  # type: ignore[arg-type]
    found = verdicts(seen)
    assert found["lock"] is CheckVerdict.WARN
    assert CheckVerdict.FAIL not in found.values()
    assert not home.root.exists()


def test_a_held_home_whose_server_is_silent_is_found(tmp_path: Path) -> None:
    def ask(method: str, path: str) -> Any:
        raise NotReadyError("away")

    home = Home(tmp_path / "home")
    with held(home):
        write_address(home, "http://127.0.0.1:1", "token", 1)
        seen = look(home, ServeSettings(keep_free_mib=0), FakePrograms(), ask=ask)  # type: ignore[arg-type]
    assert verdicts(seen)["lock"] is CheckVerdict.FAIL
    assert not look(home, ServeSettings(keep_free_mib=0), FakePrograms()).is_held  # type: ignore[arg-type]


def test_a_damaged_database_is_found_and_the_backup_named(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    store = Store(home.database)
    store.backup(_made(home.backups / "20260101T000000Z" / "serve.db"))
    store.close()
    assert look(home, ServeSettings(), FakePrograms()).database == DatabaseLook(  # type: ignore[arg-type]
        version=len(check.MIGRATIONS), has_wal=check.journal_mode(check.linked_sqlite()) == "WAL"
    )
    data = bytearray(home.database.read_bytes())
    data[4096:12288] = b"\xff" * 8192
    home.database.write_bytes(data)
    seen = look(home, ServeSettings(), FakePrograms())  # type: ignore[arg-type]
    finding = check.check_database(seen)
    assert finding.verdict is CheckVerdict.FAIL
    assert "20260101T000000Z" in finding.fix[0].text


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path


def test_a_taken_port_a_full_disk_and_an_open_secret_are_found(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    home.secret()
    (home.folder / "secret").chmod(0o644)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        seen = look(home, ServeSettings(port=port, keep_free_mib=10**9), FakePrograms())  # type: ignore[arg-type]
    found = verdicts(seen)
    assert {name for name, verdict in found.items() if verdict is CheckVerdict.FAIL} == {"port", "disk", "secrets"}
    lines = "\n".join(check.lines(check.judge(seen)))
    assert f"--port {port + 1}" in lines
    assert f"chmod 600 {home.folder / 'secret'}" in lines
    assert lines.endswith("Not in order: port, disk, secrets.")


HOME = Home(Path("/data/rig"))
USUAL = Situation(home=HOME, own=ServeSettings(), free_mib=10**6, database=DatabaseLook(version=1, friends=1))

WAL_VERDICT = CheckVerdict.PASS if check.journal_mode(check.linked_sqlite()) == "WAL" else CheckVerdict.WARN


@pytest.mark.parametrize(
    ("changes", "name", "verdict"),
    [
        ({"home": Home(Path("/mnt/c/rig"))}, "home", CheckVerdict.FAIL),
        ({"database": DatabaseLook(version=99)}, "database", CheckVerdict.FAIL),
        ({"database": DatabaseLook(version=1, has_wal=True)}, "database", WAL_VERDICT),
        ({"state": {"mode": "paused", "reason": "The GPU was lost.", "worker": "gone"}}, "worker", CheckVerdict.FAIL),
        ({"state": {"mode": "drawing", "worker": "gone"}}, "worker", CheckVerdict.FAIL),
        ({"state": {"mode": "drawing", "worker": "crowded"}}, "worker", CheckVerdict.WARN),
        ({"state": {"mode": "gaming", "worker": "unloaded"}}, "worker", CheckVerdict.PASS),
        ({"own": ServeSettings(host="0.0.0.0")}, "public_url", CheckVerdict.FAIL),
        ({"own": ServeSettings(public_url="http://192.168.1.2:8700")}, "public_url", CheckVerdict.WARN),
        ({"own": ServeSettings(public_url="https://rig.ts.net")}, "public_url", CheckVerdict.PASS),
        ({"database": DatabaseLook(version=1)}, "secrets", CheckVerdict.WARN),
        ({"now_ms": 0, "windows_ms": 3_600_000}, "time", CheckVerdict.FAIL),
        ({"now_ms": 0, "windows_ms": 60_000}, "time", CheckVerdict.PASS),
        ({"database": DatabaseLook(newest_event_ms=86_400_000)}, "time", CheckVerdict.WARN),
    ],
)
def test_findings(changes: dict[str, Any], name: str, verdict: CheckVerdict) -> None:
    finding = check.CHECKS[name](replace(USUAL, **changes))
    assert finding.verdict is verdict, finding.sentence
    assert finding.fix or verdict is not CheckVerdict.FAIL, "each problem has its next step"


def test_the_clock_of_windows_is_asked_inside_wsl_alone() -> None:
    assert windows_time(FakePrograms("Ubuntu", powershell="1795786779501\n")) == 1795786779501  # type: ignore[arg-type]
    assert windows_time(FakePrograms("Ubuntu", powershell="Zugriff verweigert")) is None  # type: ignore[arg-type]
    assert windows_time(FakePrograms(powershell="1")) is None  # type: ignore[arg-type]
