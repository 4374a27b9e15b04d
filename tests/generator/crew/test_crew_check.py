"""What is compared and tried before a machine joins: code, and ports both ways; with a real door on loopback."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import NotReadyError
from generator.crew import batch, check, cli, membership, reaching, sources
from generator.crew.cluster import CrewFolder, Ports, Running
from generator.crew.door import CrewDoor, Membership

TOKEN = "a" * 64
HERE = "127.0.0.1"


# ---- code


def checkout(root: Path) -> Path:
    for name in ("dreamrig/paths.py", "generator/crew/ray.py", "generator/serve/app.py", "generator/engine/loop.py"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(b"x = 1\n")
    (root / sources.MANIFEST).parent.mkdir(parents=True)
    (root / sources.MANIFEST).write_text("{}")
    return root


def test_two_checkouts_of_one_version_with_other_code_differ(tmp_path: Path) -> None:
    one, other = checkout(tmp_path / "one"), checkout(tmp_path / "other")
    assert sources.differing(sources.code_of(one), sources.code_of(other)) == ""
    (other / "generator/crew/ray.py").write_bytes(b"x = 1\r\n")  # git on Windows
    (other / "generator/serve/app.py").write_text("x = 2")  # no node runs it
    assert sources.differing(sources.code_of(one), sources.code_of(other)) == ""
    (other / "generator/engine/loop.py").write_text("x = 2")
    (other / sources.MANIFEST).write_text("{1}")
    differing = sources.differing(sources.code_of(one), sources.code_of(other))
    assert differing == "generator/engine, generator/starter/weights"
    (other / "generator/engine/new.py").write_text("")
    assert "generator/engine" in sources.differing(sources.code_of(one), sources.code_of(other))
    assert sources.differing({}, dict.fromkeys("abcde", "1")) == "a, b, c and 2 more"


def test_other_code_keeps_a_machine_out_and_a_driver_too() -> None:
    mine = membership.facts_here("starter")
    assert "generator/crew" in mine.code
    head = replace(mine, code={**mine.code, "generator/crew": "other"})
    (found,) = membership.differences_of(head, mine)
    assert "differs in generator/crew" in found.what
    assert "git pull" in found.fix
    with pytest.raises(NotReadyError, match="other code: it differs in generator/crew") as caught:
        batch.require_same_code(head.to_dict())
    assert "dreamrig crew start" in caught.value.hint
    batch.require_same_code(mine.to_dict())


# ---- ports


@pytest.fixture
def ports() -> Ports:
    return Ports.free()


@pytest.fixture
def head(ports: Ports) -> Iterator[dict[str, Any]]:
    """A head whose Ray listens, in words."""
    facts = {**membership.facts_here("starter").to_dict(), "port": ports.ray, "ports": reaching.listened_on(ports)}
    with contextlib.ExitStack() as stack:
        for port in (ports.ray, ports.manager, ports.objects):
            one = stack.enter_context(socket.socket())
            one.bind((HERE, port))
            one.listen()
        members = Membership(lambda: facts, lambda: reaching.listen_once(HERE, ports))
        door = stack.enter_context(CrewDoor((HERE, 0), TOKEN, members).open())
        yield {"facts": facts, "members": members, "where": f"{HERE}:{door.port}"}


def shut(head: dict[str, Any]) -> list[str]:
    return [one.what for one in reaching.unreached(head["where"], TOKEN, head["facts"], HERE, Ports.free())]


def test_open_ports_are_open_both_ways(head: dict[str, Any]) -> None:
    assert shut(head) == []


@pytest.mark.parametrize("name", ["of Ray's node", "of Ray's objects"])
def test_a_port_of_the_head_that_is_shut_is_named(head: dict[str, Any], name: str) -> None:
    with socket.socket() as one:
        one.bind((HERE, 0))
        head["facts"]["ports"] = {**head["facts"]["ports"], name: one.getsockname()[1]}
        (found,) = shut(head)
        assert f"port {one.getsockname()[1]} ({name}) does not" in found


def test_the_range_of_the_heads_workers_is_tried(head: dict[str, Any]) -> None:
    with socket.socket() as one:
        one.bind((HERE, 0))
        head["members"].listen = lambda: one.getsockname()[1]
        (found,) = shut(head)
        assert "(of its workers) does not" in found


def test_each_port_of_this_machine_that_the_head_does_not_reach_is_named(
    head: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    monkeypatch.setattr("generator.crew.door.can_reach", lambda host, port, seconds: tried.append(port))
    found = shut(head)
    assert len(found) == len(tried) == 3
    assert [f"port {port} (of " in what for port, what in zip(tried, found, strict=True)] == [True] * 3


def test_a_port_of_this_machine_that_is_taken_is_named(head: dict[str, Any], ports: Ports) -> None:
    found = [one.what for one in reaching.unreached(head["where"], TOKEN, head["facts"], HERE, ports)]
    assert f"Port {ports.manager} of {HERE} cannot be had." in found


def test_workers_ports_are_taken_from_the_end_of_their_range() -> None:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind((HERE, 0))
        last, before = sorted((one.getsockname()[1], other.getsockname()[1]), reverse=True)
        one.close()
        other.close()
        found = reaching.listen_once(HERE, Ports(workers=(before, last)), 0.0)
        assert found is not None
        assert before <= found <= last


# ---- the command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrewFolder:
    monkeypatch.setattr(check, "require_ray", lambda: None)
    found = CrewFolder(tmp_path)
    found.keep_token(TOKEN)
    return found


def told(folder: CrewFolder, capsys: pytest.CaptureFixture[str], address: str | None = None) -> tuple[int, Any]:
    code = cli.print_check(check.look(folder, address, HERE), as_json=True)
    return code, json.loads(capsys.readouterr().out)["data"]


def test_what_would_be_in_the_way_is_told_and_nothing_joins(
    folder: CrewFolder, head: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "Ports", Ports.free)
    assert told(folder, capsys) == (0, {"head": None, "role": None, "hindrances": []})
    code, seen = told(folder, capsys, head["where"])
    assert (code, seen["head"], seen["hindrances"]) == (0, head["where"], [])
    head["facts"]["ray"] = "2.52.0"
    code, seen = told(folder, capsys, head["where"])
    assert (code, len(seen["hindrances"])) == (3, 1)
    assert "Ray 2.52.0" in seen["hindrances"][0]["what"]
    assert Running.read(folder) is None


def test_the_head_that_was_joined_last_is_asked(
    folder: CrewFolder, head: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Running.write(folder, ray="x:1", door=head["where"], is_head=False)
    code, seen = told(folder, capsys)
    assert (code, seen["role"], seen["head"]) == (0, "node", head["where"])
    Running.write(folder, ray="x:1", door=head["where"], is_head=True)
    assert told(folder, capsys)[1]["role"] == "head"
    written = folder.path / "running.json"
    written.write_text(written.read_text().replace('"mark": "', '"mark": "not '))
    assert told(folder, capsys)[1]["head"] is None  # its own, which does not run
