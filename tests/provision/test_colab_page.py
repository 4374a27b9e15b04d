"""The doctor's question whether Colab's page can use this machine; the recorded machines give the verdicts."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from bench.colab import local as colab_local
from dreamrig.errors import NotReadyError
from dreamrig.extras import EXTRAS
from provision.doctor.checks import CHECKS
from provision.doctor.checks.colab import colab_page
from provision.doctor.checkup import examine
from provision.facts.collectors.colab import PACKAGES, PORTS, collect_colab, taken_ports
from provision.facts.facts import Facts
from provision.machine.local import ThisMachine
from provision.machine.recorded import Recorded, load_transcript

MACHINES = Path(__file__).parents[1] / "machines"


def found(name: str) -> tuple[str, str, list[str | None]]:
    """Verdict, sentence and commands of the check on a recorded machine."""
    checkup = examine(Recorded(load_transcript(MACHINES, name)), CHECKS)
    finding = next(finding for finding in checkup.findings if finding.check == "colab-page")
    return str(finding.verdict), finding.sentence, [step.command for step in finding.fix]


@pytest.mark.parametrize(
    ("name", "verdict", "says", "command"),
    [
        ("wsl-healthy-3090", "SKIP", "never set up here", None),
        ("wsl-colab-page", "PASS", "on port 8889", None),
        ("wsl-colab-mirrored", "PASS", "on port 8888", None),
        ("wsl-colab-forwarding-off", "WARN", "localhost does not lead into WSL", "notepad %UserProfile%\\.wslconfig"),
        ("wsl-colab-without-network", "WARN", "has no network", "wsl --shutdown"),
        ("wsl-colab-bridged", "SKIP", "networkingMode=bridged", None),
        ("linux-colab-ports-taken", "WARN", "Ports 8888 to 8937 are taken", "dreamrig colab --port 9000"),
        ("linux-colab-container", "WARN", "container", None),
    ],
)
def test_what_is_said_of_each_machine(name: str, verdict: str, says: str, command: str | None) -> None:
    got, sentence, commands = found(name)
    assert got == verdict
    assert says in sentence
    assert command is None or command in commands


def test_nothing_of_it_breaks_the_doctor() -> None:
    """Nobody needs Colab's page to draw a picture: the chain holds whatever the check says."""
    for name in ("wsl-colab-forwarding-off", "linux-colab-ports-taken"):
        checkup = examine(Recorded(load_transcript(MACHINES, name)), CHECKS)
        assert checkup.exit_code == 0
        assert checkup.first_broken is None


def test_wsl_1_has_the_network_of_windows() -> None:
    facts = {"python": {"has_colab_packages": True}, "linux": {"wsl_version": 1}, "unknown": {}, "schema": 1}
    assert str(colab_page(Facts({**facts, "place": "wsl"})).verdict) == "PASS"


def test_what_cannot_be_read_is_not_guessed() -> None:
    facts = {"python": {"has_colab_packages": True}, "linux": {"wsl_version": 2}, "unknown": {}, "schema": 1}
    assert str(colab_page(Facts({**facts, "place": "wsl"})).verdict) == "SKIP"


def test_the_browsers_rules_are_told() -> None:
    checkup = examine(Recorded(load_transcript(MACHINES, "wsl-colab-page")), CHECKS)
    (finding,) = (finding for finding in checkup.findings if finding.check == "colab-page")
    lines = " ".join(item.get("line", "") for item in finding.evidence)
    assert all(word in lines for word in ("Chrome", "Edge", "Brave", "Safari"))


def bind_one(server: socket.socket) -> int:
    """Give a socket one of the ports, from the end, since other tests may be taking the first ones."""
    for port in reversed(PORTS):
        with contextlib.suppress(OSError):
            server.bind(("127.0.0.1", port))
            return port
    raise AssertionError("all ports are taken")


def test_a_port_that_somebody_listens_on_is_seen_on_this_machine() -> None:
    """The kernel's own table, beside what binding says."""
    if not Path("/proc/net/tcp").exists():
        pytest.skip("this system has no /proc/net/tcp")
    with colab_local.socket.socket() as server:
        port = bind_one(server)
        server.listen()
        assert port in collect_colab(ThisMachine()).values["linux.ports_taken"]
        assert not colab_local.is_free(port)


def test_only_listeners_that_stand_in_the_way_count() -> None:
    row = "   0: {}:{:04X} 00000000:0000 {} 00000000:00000000 00:00000000 00000000  1000        0 1 1\n"
    table = "".join(
        row.format(*values)
        for values in (
            ("0100007F", 8890, "0A"),
            ("00000000", 8889, "0A"),
            ("0" * 32, 8900, "0A"),
            ("0100007F", 8891, "01"),  # a connection, not a listener
            ("0200A8C0", 8892, "0A"),  # on another address
            ("0100007F", 22, "0A"),
        )
    )
    assert taken_ports("  sl  local_address rem_address   st\n" + table) == [8889, 8890, 8900]


def test_doctor_and_command_look_for_the_same() -> None:
    tried: list[int] = []
    with pytest.raises(NotReadyError):
        colab_local.choose_port(None, free=lambda port: tried.append(port) or False)
    assert tried == [*PORTS] == [*range(8888, 8938)]
    assert EXTRAS["colab"].modules == PACKAGES
