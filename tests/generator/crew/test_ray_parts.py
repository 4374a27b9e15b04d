"""What of a crew over Ray can be tried without Ray: places, door, membership, parcels, station, settings."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from dreamrig import help as examples
from dreamrig.errors import FailedError, NotReadyError, UsageError
from dreamrig.settings import Sources
from generator.config import GenerateConfig
from generator.crew import cli, cluster, door, membership, parcels, protocol, starting
from generator.crew.cluster import CrewFolder, NodeWanted, Ports, Running
from generator.crew.door import CrewDoor, Membership, Nonces, ask
from generator.crew.membership import MemberFacts
from generator.crew.places import cards_among, posts_of
from generator.crew.protocol import Beat, Began, Cancel, Done, Draw, Interrupted, Kept, ProtocolError
from generator.crew.settings import CrewSettings, load_crew_settings, slug
from generator.weights import registry

TOKEN = "a" * 64
FACTS = MemberFacts(ray="2.60.0", python="3.11", dreamrig="1", model="starter", weights={"a": "1"}, time_seconds=1000.0)


# ---- places


def node(name: str, *, gpus: float = 0, cpus: float = 4, works: bool = True, card: str = "", **more: Any) -> Any:
    resources = {"CPU": cpus, **({"GPU": gpus} if gpus else {}), **({"dreamrig": 1} if works else {})}
    return {
        "NodeID": name,
        "Alive": True,
        "Resources": resources,
        "Labels": {"dreamrig-node": name, **({"dreamrig-card": card} if card else {})},
    } | more


def places(settings: CrewSettings, *nodes: Any, leaving: tuple[str, ...] = ()) -> list[tuple[str, int, float, float]]:
    return [(post.node, post.index, post.gpus, post.cpus) for post in posts_of(nodes, settings, leaving)]


def test_a_machine_without_a_card_draws_only_where_there_is_none() -> None:
    assert places(CrewSettings(), node("a"), node("b", cpus=2)) == [("a", 0, 0.0, 4.0), ("b", 0, 0.0, 2.0)]
    assert places(CrewSettings(), node("a"), node("b", gpus=2)) == [("b", 0, 1.0, 0.0), ("b", 1, 1.0, 0.0)]


def test_cards_are_shared_and_chosen_by_the_owners_settings() -> None:
    cards = (node("a", gpus=1, card=slug("NVIDIA GeForce RTX 3090")), node("b", gpus=1, card=slug("Tesla T4")))
    assert places(CrewSettings(cards="rtx 3090"), *cards) == [("a", 0, 1.0, 0.0)]
    assert places(CrewSettings(gpu_share=0.5, cards="T4"), *cards) == [("b", 0, 0.5, 0.0), ("b", 1, 0.5, 0.0)]
    assert len(places(CrewSettings(gpu_share=0.4), *cards)) == 4


MIXED = (("RTX 3090", "GPU-1"), ("Tesla T4", "GPU-2"))


def test_a_machine_with_two_kinds_of_cards_draws_on_the_one_that_is_wanted() -> None:
    labels = {"dreamrig-card": "rtx-3090", "dreamrig-uuid": "GPU-1", "dreamrig-card-1": "tesla-t4"}
    mixed = node("a", gpus=2, Labels={**labels, "dreamrig-uuid-1": "GPU-2"})
    for wish, uuid, index in (("RTX 3090", "GPU-1", 0), ("t4", "GPU-2", 1)):
        (post,) = posts_of([mixed], CrewSettings(cards=wish))
        assert (post.card, post.index, post.gpus) == (uuid, index, 1.0)
    halves = posts_of([mixed], CrewSettings(cards="t4", gpu_share=0.5))
    assert [(post.card, post.index) for post in halves] == [("GPU-2", 2), ("GPU-2", 3)]
    for both in (CrewSettings(), CrewSettings(cards="RTX 3090, T4")):
        assert [(post.card, post.index) for post in posts_of([mixed], both)] == [("", 0), ("", 1)]
    assert posts_of([mixed], CrewSettings(cards="RTX 4900")) == []
    assert cards_among([mixed, node("b")]) == ["rtx-3090", "tesla-t4"]


def test_every_card_of_a_machine_is_named() -> None:
    api = SimpleNamespace(
        nvmlInit=lambda: None, nvmlDeviceGetCount=lambda: 2, nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda card: MIXED[card][0], nvmlDeviceGetUUID=lambda card: MIXED[card][1].encode(),
    )  # fmt: skip
    assert cli.cards_here(api) == list(MIXED)
    assert cli.cards_here(SimpleNamespace()) == []


def test_dead_foreign_and_leaving_machines_have_no_place() -> None:
    nodes = (node("a", Alive=False), node("b", works=False), node("c"), node("d"))
    assert places(CrewSettings(), *nodes, leaving=("c",)) == [("d", 0, 0.0, 4.0)]


@pytest.mark.parametrize("wrong", [{"kind": "slurm"}, {"gpu_share": 0.0}, {"gpu_share": 1.5}, {"lease_seconds": 1.0}])
def test_settings_without_meaning_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        CrewSettings(**wrong)
    assert caught.value.hint


def test_settings_come_from_the_environment() -> None:
    found = load_crew_settings({}, Sources(environ={"DREAMRIG_CREW_KIND": "ray", "DREAMRIG_CREW_GPU_SHARE": "0.5"}))
    assert (found.kind, found.gpu_share) == ("ray", 0.5)


# ---- the door


@pytest.fixture
def members() -> Membership:
    return Membership(lambda: {**FACTS.to_dict(), "port": 6379})


@pytest.fixture
def opened(members: Membership) -> Iterator[str]:
    with CrewDoor(("127.0.0.1", 0), TOKEN, members).open() as one:
        yield f"127.0.0.1:{one.port}"


def test_who_has_the_token_is_answered(opened: str) -> None:
    assert MemberFacts.from_dict(ask(opened, TOKEN, {"kind": "facts"})) == FACTS


def test_another_token_is_said_and_nothing_told(opened: str) -> None:
    with pytest.raises(NotReadyError, match="another token"):
        ask(opened, "b" * 64, {"kind": "facts"})


def test_a_question_cannot_be_asked_twice(opened: str) -> None:
    with urllib.request.urlopen(f"http://{opened}/", timeout=10) as answer:
        nonce = json.loads(answer.read())["nonce"]
    body = json.dumps({"kind": "facts"})
    headers = {"X-Nonce": nonce, "X-Asker": "me", "X-Sign": door.sign(TOKEN, "question", nonce, "me", body)}
    request = urllib.request.Request(f"http://{opened}/", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)


def test_an_answer_that_is_not_signed_is_believed_by_nobody(members: Membership) -> None:
    """Whoever listens at the address, without the token, cannot say "you fit"."""

    class Liar(CrewDoor):
        pass

    with Liar(("127.0.0.1", 0), TOKEN, members).open() as one:
        one.RequestHandlerClass = type("Handler", (one.RequestHandlerClass,), {"do_POST": lie})
        with pytest.raises(NotReadyError, match="does not have the crew's token"):
            ask(f"127.0.0.1:{one.port}", TOKEN, {"kind": "facts"})


def lie(self: Any) -> None:
    self._body()
    self._send(200, json.dumps(FACTS.to_dict()), "0" * 64)


def test_nobody_there_and_something_else_there_are_told() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        with pytest.raises(NotReadyError, match="No crew answers"):
            ask(f"127.0.0.1:{one.getsockname()[1]}", TOKEN, {"kind": "facts"})


@pytest.mark.parametrize("question", [{}, {"kind": "rm"}, {"kind": "reach", "port": "x"}, []])
def test_a_question_without_meaning_is_refused(opened: str, question: Any) -> None:
    with pytest.raises(NotReadyError, match="refused"):
        ask(opened, TOKEN, question)


def test_a_nonce_serves_once_and_soon() -> None:
    now = [0.0]
    nonces = Nonces(lambda: now[0])
    one, two = nonces.new(), nonces.new()
    assert nonces.use(one)
    assert not nonces.use(one)
    now[0] += door.NONCE_SECONDS + 1
    assert not nonces.use(two)
    for _ in range(2 * door.MOST_NONCES):
        nonces.new()
    assert len(nonces.known) <= door.MOST_NONCES


def test_a_leaving_node_waits_for_the_driver_and_only_for_a_living_one() -> None:
    now = [0.0]
    members = Membership(dict, clock=lambda: now[0])
    assert members.answer({"kind": "leave", "node": "x"}, "") is True  # nobody gives work
    assert members.answer({"kind": "driver"}, "")["leaving"] == ["x"]
    assert members.answer({"kind": "leave", "node": "x"}, "") is False
    members.answer({"kind": "drained", "node": "x"}, "")
    assert members.answer({"kind": "leave", "node": "x"}, "") is True
    assert members.answer({"kind": "driver"}, "")["leaving"] == []
    members.answer({"kind": "leave", "node": "y"}, "")
    now[0] += door.DRIVER_SECONDS + 1
    assert members.answer({"kind": "leave", "node": "y"}, "") is True


def test_a_crew_draws_for_one_driver_at_a_time(members: Membership) -> None:
    """Two would each start a worker a card, of which half wait for ever."""
    now = [0.0]
    members.clock = lambda: now[0]
    server, batch = door.CrewDriver("serve 1", "a server"), door.CrewDriver("batch 2", "a batch")
    asked: list[float] = []

    def wait(seconds: float) -> None:
        now[0] += seconds
        asked.append(now[0])
        if is_alive:
            members.answer(server.question(), "")

    def be(driver: door.CrewDriver) -> None:
        door.be_driver(lambda question: members.answer(question, ""), driver, lambda: now[0], wait)

    is_alive = True
    be(server)
    with pytest.raises(NotReadyError, match="A server draws over this crew already") as caught:
        be(batch)
    assert "dreamrig submit" in caught.value.hint
    be(server)  # killed and started again: it is the same one
    is_alive = False
    be(batch)  # a killed one is forgotten
    assert members.answer(server.question(), "")["other"] == "a batch"
    asked.clear()
    members.answer({"kind": "parted", "who": "serve 1"}, "")  # another's word
    members.answer({"kind": "parted", "who": "batch 2"}, "")
    be(server)
    assert asked == []


def test_the_head_is_asked_whether_it_reaches_a_port(opened: str) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        assert ask(opened, TOKEN, {"kind": "reach", "port": port}) is False
        one.listen()
        assert ask(opened, TOKEN, {"kind": "reach", "port": port}) is True


# ---- who fits


@pytest.mark.parametrize(
    ("changes", "says", "fix"),
    [
        ({"python": "3.12"}, "Python", "DREAMRIG_PYTHON=python3.11"),
        ({"ray": "2.59.0"}, "Ray", "ray==2.60.0"),
        ({"ray": None}, "none", "ray==2.60.0"),
        ({"dreamrig": "2"}, "dreamrig", "git pull"),
        ({"weights": {"a": "2"}}, "other ones", "git checkout"),
        ({"weights": {}}, "missing", "git checkout"),
        ({"time_seconds": 4600.0}, "3600 s apart", "hwclock"),
    ],
)
def test_each_difference_has_a_sentence_and_a_fix(changes: dict[str, Any], says: str, fix: str) -> None:
    (found,) = membership.differences_of(FACTS, replace(FACTS, **changes))
    assert says in found.what
    assert fix in found.fix


def test_equal_machines_fit_and_published_weights_are_fetched() -> None:
    assert membership.differences_of(FACTS, replace(FACTS, time_seconds=1100.0)) == []
    weights = {"imagenet-f16-1024": "1", "ViT-B/32": "2"}
    head = replace(FACTS, model="imagenet-f16-1024", weights=weights)
    (found,) = membership.differences_of(head, replace(head, weights={}))
    assert found.fix == "dreamrig weights fetch ViT-B/32 imagenet-f16-1024"
    (found,) = membership.differences_of(head, replace(head, weights={"imagenet-f16-1024": "1"}))
    assert (found.fix, "ViT-B/32 are missing here" in found.what) == ("dreamrig weights fetch ViT-B/32", True)
    (found,) = membership.differences_of(head, replace(head, weights={**weights, "ViT-B/32": "3"}))
    assert "ViT-B/32 are other ones here" in found.what


def test_weights_are_hashed_as_they_lie_there(tmp_path: Path) -> None:
    facts = membership.facts_here("starter")
    assert facts.python.count(".") == 1
    assert all(len(digest) == 64 for digest in facts.weights.values())
    assert len(facts.weights) >= 2
    assert membership.weights_here("imagenet-f16-1024", tmp_path) == {}


def test_a_copy_of_another_mirror_is_the_same_weights_and_a_changed_file_is_not(tmp_path: Path) -> None:
    folder = registry.folder_of("ViT-B/32", tmp_path)
    folder.mkdir(parents=True)
    found = []
    for data, numbers, damage in ((b"half", "n", b""), (b"single", "n", b""), (b"single", "n", b"SINGLE")):
        (folder / registry.MODEL).write_bytes(data)
        facts = registry.Installed(
            name="ViT-B/32", kind="clip", sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), original_sha256="",
            original_bytes=0, source="", is_published=True, licence="", terms="", architecture={}, fetched_at="",
            checked_mtime_ns=0, numbers_sha256=numbers,
        )  # fmt: skip
        registry.write_meta(facts, folder)
        (folder / registry.MODEL).write_bytes(damage or data)
        found.append(membership.weights_here("imagenet-f16-1024", tmp_path))
    assert found[0] == found[1] == {"ViT-B/32": "n"}
    assert found[2] == {"ViT-B/32": hashlib.sha256(b"SINGLE").hexdigest()}


def test_weights_are_read_once_until_they_change(tmp_path: Path) -> None:
    path, long_ago = tmp_path / "model", time.time() - 3600
    path.write_bytes(b"first")
    os.utime(path, (long_ago, long_ago))
    first = membership.sha256_of(path)
    path.write_bytes(b"other")
    os.utime(path, (long_ago, long_ago))
    assert membership.sha256_of(path) == first  # not read
    os.utime(path, (long_ago + 1, long_ago + 1))
    assert membership.sha256_of(path) == hashlib.sha256(b"other").hexdigest()
    for data in (b"third", b"forth"):  # within one tick of the disk's clock
        path.write_bytes(data)
        assert membership.sha256_of(path) == hashlib.sha256(data).hexdigest()


# ---- this machine's part


def test_a_token_is_this_users_alone(tmp_path: Path) -> None:
    folder = CrewFolder(tmp_path)
    with pytest.raises(NotReadyError, match="no token"):
        folder.token()
    token = folder.make_token()
    assert folder.token_file.stat().st_mode & 0o777 == 0o600
    assert folder.make_token() == token
    folder.token_file.chmod(0o644)
    with pytest.raises(NotReadyError, match="Others of this machine can read"):
        folder.token()


def test_rays_processes_get_our_token_and_nobody_elses_cluster(tmp_path: Path) -> None:
    folder = CrewFolder(tmp_path)
    found = folder.environment({"RAY_ADDRESS": "10.0.0.1:6379", "RAY_AUTH_TOKEN": "x", "PATH": "/bin"})
    assert "RAY_ADDRESS" not in found
    assert "RAY_AUTH_TOKEN" not in found
    assert (found["RAY_AUTH_MODE"], found["RAY_AUTH_TOKEN_PATH"]) == ("token", str(folder.token_file))
    assert len(str(folder.temporary)) < 60  # sockets lie below it, and their paths may have 107 bytes
    assert folder.temporary.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("version", ["2.50.1", "2.9.0", "1.13.0"])
def test_a_ray_that_knows_no_token_is_refused_with_the_command_that_renews_it(version: str) -> None:
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    with pytest.raises(NotReadyError, match="open to everybody") as caught:
        cluster.require_ray(lambda: version)
    assert "--upgrade 'ray>=2.52,<3'" in caught.value.hint
    for newer in ("2.52.0", "2.60.0rc1", "3.0.0.dev0"):
        cluster.require_ray(lambda found=newer: found)


def test_a_driver_takes_our_token_and_none_of_its_shell(tmp_path: Path) -> None:
    environ = {"RAY_ADDRESS": "10.0.0.9:6379", "RAY_AUTH_TOKEN": "somebody else's", "PATH": "/bin"}
    folder = CrewFolder(tmp_path)
    cluster.put_in_place(folder.environment(environ), environ)
    assert environ["RAY_AUTH_TOKEN_PATH"] == str(folder.token_file)
    assert environ["PATH"] == "/bin"
    assert not {"RAY_ADDRESS", "RAY_AUTH_TOKEN"} & set(environ)


def test_a_nodes_command_names_every_port(tmp_path: Path) -> None:
    wanted = NodeWanted(address="10.0.0.2", ports=Ports(), label="x", head="10.0.0.1:6379", cards=MIXED)
    words = wanted.command(tmp_path)
    assert "--address=10.0.0.1:6379" in words
    assert (
        "--labels=dreamrig-node=x,dreamrig-card=rtx-3090,dreamrig-uuid=GPU-1,dreamrig-card-1=tesla-t4,"
        "dreamrig-uuid-1=GPU-2" in words
    )
    assert not any(word.startswith("--port") for word in words)
    assert {f"--node-manager-port={Ports.manager}", "--min-worker-port=8710"} <= set(words)
    numbers = Ports.free()
    assert len({numbers.ray, numbers.door, numbers.manager, numbers.objects, *numbers.helpers}) == 8


def test_what_runs_here_is_known_until_it_is_gone(tmp_path: Path) -> None:
    folder = CrewFolder(tmp_path)
    assert Running.read(folder) is None
    Running.write(folder, ray="10.0.0.1:6379", door="10.0.0.1:8701", is_head=True)
    with pytest.raises(NotReadyError, match=r"head of .* runs here already"):
        cli.require_alone(folder)
    folder.make_token()
    assert cluster.driver_address(folder, "") == ("10.0.0.1:6379", "10.0.0.1:8701")
    assert cluster.driver_address(folder, "10.0.0.1") == ("10.0.0.1:6379", "10.0.0.1:8701")  # as join takes it
    with pytest.raises(NotReadyError, match=r"No node of 10\.0\.0\.9") as caught:
        cluster.driver_address(folder, "10.0.0.9:8701")
    assert "is in the crew of 10.0.0.1:8701" in caught.value.message
    assert caught.value.hint.startswith("leave the address away")  # to join again would be refused as well
    path = folder.path / "running.json"
    path.write_text(path.read_text().replace('"mark": "', '"mark": "not '))
    assert Running.read(folder) is None


def test_the_head_does_not_leave_under_a_server_that_draws(
    tmp_path: Path, members: Membership, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, signals = CrewFolder(tmp_path), []
    folder.keep_token(TOKEN)
    Running.write(folder, ray="127.0.0.1:6379", door=opened, is_head=True)

    def end(pid: int, number: int) -> None:
        signals.append(number)
        (folder.path / "running.json").unlink()

    monkeypatch.setattr(cli.os, "kill", end)
    members.answer({"kind": "driver"}, "")
    with pytest.raises(NotReadyError, match="This is the head") as caught:
        cli.leave(folder)
    assert (signals, "dreamrig serve" in caught.value.hint) == ([], True)
    members.driver_at = None
    assert cli.leave(folder) == 0
    assert signals == [signal.SIGTERM]


@pytest.mark.parametrize(("given", "found"), [("10.0.0.1", "10.0.0.1:8701"), ("pc:99", "pc:99")])
def test_an_address_may_lack_its_port(given: str, found: str) -> None:
    assert cli.with_port(given) == found
    for wrong in ("http://x:1", ":1", "x:y"):
        with pytest.raises(UsageError):
            cli.with_port(wrong)


def test_the_help_names_the_port_of_the_door() -> None:
    lines = [line for name, told in examples.EXAMPLES.items() if name.startswith("crew") for line, _ in told]
    addresses = [word for line in lines for word in line.split() if word.count(".") == 3]
    assert len(addresses) == 3
    assert {word.rpartition(":")[2] for word in addresses} == {str(door.DOOR_PORT)}


def test_a_head_on_loopback_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path))
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    with pytest.raises(UsageError, match="reached by nobody"):
        cli.start("127.0.0.1", True, 1, 0, Ports.free())


def starter(*words: str) -> list[str]:
    """Something that says these words, one a process, as `ray start` would, and stays."""
    return [sys.executable, "-c", f"import time; print({words[0]!r}, flush=True); time.sleep(600)"]


def test_rays_processes_end_with_their_block(tmp_path: Path) -> None:
    with starting.ray_process(starter(starting.STARTED), CrewFolder(tmp_path)) as process:
        assert process.poll() is None
    assert process.poll() is not None


def test_a_starter_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('the port is taken')"]
    with pytest.raises(NotReadyError, match="the port is taken"), starting.ray_process(command, CrewFolder(tmp_path)):
        raise AssertionError


def test_a_node_that_dies_while_it_starts_is_tried_again_and_not_for_ever(tmp_path: Path) -> None:
    seen: dict[int, int] = {}

    def lives(pid: int) -> bool:
        """There at the first look, gone at the second."""
        seen[pid] = seen.get(pid, 0) + 1
        return seen[pid] == 1

    with pytest.raises(NotReadyError, match="ended 4 times"), starting.ray_process(
        starter("waiting"), CrewFolder(tmp_path), lives
    ):  # fmt: skip
        raise AssertionError
    assert len(seen) == starting.MOST_STARTS
    assert not any(Path(f"/proc/{pid}").exists() for pid in seen)


HELD = f"""
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, or in the background of a shell, both are switched off
signal.signal(signal.SIGINT, signal.default_int_handler)
from generator.crew import cli, starting
from generator.crew.cluster import CrewFolder
folder = CrewFolder(Path(sys.argv[1]))
command = [sys.executable, "-c", "import time; print('{starting.STARTED}', flush=True); time.sleep(600)"]
with cli.told_to_stop() as stopped, starting.ray_process(command, folder) as process:
    print(process.pid, flush=True)
    cli.until_over(stopped, process, folder)
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_terminal_that_is_closed_ends_rays_processes_too(tmp_path: Path, number: signal.Signals) -> None:
    words = [sys.executable, "-c", HELD, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        held = psutil.Process(int(holder.stdout.readline()))
        assert holder.stderr is not None
        holder.stderr.close()  # nobody reads what it says last
        try:
            holder.send_signal(number)
            assert holder.wait(60) == 0
            assert not held.is_running()
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                held.kill()


def test_the_first_ctrl_c_on_a_head_in_use_only_says_so(
    capsys: pytest.CaptureFixture[str], members: Membership
) -> None:
    with cli.told_to_stop(members.used_by) as stopped:
        members.drive(door.CrewDriver("1", "a server"))
        signal.raise_signal(signal.SIGINT)
        assert not stopped.is_set()
        assert "a server draws over this crew" in capsys.readouterr().err
        signal.raise_signal(signal.SIGINT)
        assert stopped.is_set()
    for number, driver_at in ((signal.SIGTERM, 1e9), (signal.SIGINT, None)):  # `crew leave` has asked; nobody is there
        members.driver_at = driver_at
        with cli.told_to_stop(members.used_by) as stopped:
            signal.raise_signal(number)
            assert stopped.is_set()


def test_rays_processes_end_with_a_killed_holder(tmp_path: Path) -> None:
    """They would draw on as a node that nobody holds, and keep its ports from the next."""
    words = [sys.executable, "-c", HELD, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        held = psutil.Process(int(holder.stdout.readline()))
        try:
            holder.kill()
            held.wait(60)
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                held.kill()


def test_what_ray_left_in_its_folder_goes_with_the_node_and_after_an_error_with_the_next(tmp_path: Path) -> None:
    folder = CrewFolder(tmp_path)

    def session() -> Path:
        (folder.temporary / "session_1").mkdir()
        (folder.temporary / "session_latest").symlink_to("session_1")
        return folder.temporary / "session_1" / "raylet.out"

    session().write_text("of a node that was killed")
    with starting.ray_process(starter(starting.STARTED), folder):
        assert list(folder.temporary.iterdir()) == []
        session().write_text("all is well")
    assert list(folder.temporary.iterdir()) == []
    with contextlib.suppress(NotReadyError), starting.ray_process(starter(starting.STARTED), folder):
        session().write_text("why it ended")
        raise NotReadyError("Ray ended by itself.")
    assert (folder.temporary / "session_1" / "raylet.out").read_text() == "why it ended"


# ---- what travels


def test_only_files_of_a_job_are_written(tmp_path: Path) -> None:
    parcels.unpack(tmp_path / "job", "picture.png", b"x")
    assert (tmp_path / "job" / "picture.png").read_bytes() == b"x"
    for name in (
        "../x",
        "/etc/passwd",
        "serve.db",
        "",
        "kin.txt",
        "frames/../x.jpg",
        "frames/1.jpg",
        "frames/000001.png",
    ):
        with pytest.raises(ProtocolError):
            parcels.unpack(tmp_path / "job", name, b"x")
    assert {path.name for path in tmp_path.rglob("*")} == {"job", "picture.png"}


def test_frames_travel_once_and_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = tmp_path / "node" / "frames", tmp_path / "driver"
    mine.mkdir(parents=True)
    for index in (0, 4, 8):
        (mine / f"{index:06}.jpg").write_bytes(b"frame")
    sent: dict[str, int] = {}
    for name, data in parcels.pack_frames(tmp_path / "node", sent):
        parcels.unpack(theirs, name, data)
    assert sorted(path.name for path in (theirs / "frames").iterdir()) == ["000000.jpg", "000004.jpg", "000008.jpg"]
    (mine / "000012.jpg").write_bytes(b"frame")
    (mine / ".half.tmp").write_bytes(b"f")
    assert [name for name, _ in parcels.pack_frames(tmp_path / "node", sent)] == ["frames/000012.jpg"]
    monkeypatch.setattr(parcels, "MOST_FRAMES", 2)
    assert len(list(parcels.pack_frames(tmp_path / "node", {}))) == 2
    monkeypatch.setattr(parcels, "MOST_FRAMES_BYTES", 9)
    assert len(list(parcels.pack_frames(tmp_path / "node", {}))) == 1
    parcels.unpack(theirs, "frames/000099.jpg", b"one more")
    assert not (theirs / "frames" / "000099.jpg").exists()
    with pytest.raises(ProtocolError):
        parcels.unpack(theirs, "frames/000004.jpg", b"x" * (parcels.LARGEST_FRAME_BYTES + 1))
    assert list(parcels.pack_frames(tmp_path / "no frames", {})) == []


def test_a_half_done_picture_goes_to_its_own_kind_alone(tmp_path: Path) -> None:
    for name in parcels.KEPT:
        (tmp_path / name).write_bytes(name.encode())
    assert parcels.half_done(tmp_path, "one") == []
    (tmp_path / parcels.KIN).write_text("one")
    assert [name for name, _ in parcels.half_done(tmp_path, "one")] == list(parcels.KEPT)
    assert parcels.half_done(tmp_path, "other") == []


def test_no_checkpoint_has_the_kin_of_another_and_kin_is_written_once(tmp_path: Path) -> None:
    job = tmp_path / "job"
    parcels.keep_checkpoint(job, b"1", "one")
    first = (job / parcels.KIN).stat()
    parcels.keep_checkpoint(job, b"2", "one")
    assert (job / parcels.KIN).stat().st_ino == first.st_ino
    (job / parcels.CHECKPOINT).unlink()
    (job / parcels.CHECKPOINT).mkdir()  # the checkpoint of another kind cannot be written
    with pytest.raises(NotReadyError):
        parcels.keep_checkpoint(job, b"3", "other")
    assert parcels.kin_of(job) is None
    (job / parcels.CHECKPOINT).rmdir()
    parcels.keep_checkpoint(job, b"4", "other")
    assert parcels.kin_of(job) == "other"
    (job / parcels.KIN).write_bytes(b"")  # what a power cut left of a file that was not synced
    assert parcels.half_done(job, "") == []


def test_pictures_of_a_config_travel_and_are_named_by_content(tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_bytes(b"picture")
    config = {"start": str(tmp_path / "mine.png"), "prompt": "a"}
    inputs = parcels.inputs_of(config)
    order = parcels.with_inputs(Draw(1, 1, config, "/x"), inputs, tmp_path / "room")
    (place,) = order.inputs.values()
    assert Path(place).read_bytes() == b"picture"
    assert parcels.inputs_of({"start": "noise"}) == {}


def test_pictures_that_no_order_brought_for_a_day_go(tmp_path: Path) -> None:
    parcels.placed({"/mine.png": b"picture"}, tmp_path)
    parcels.forget_old(tmp_path, lambda: time.time() + parcels.INPUT_SECONDS - 60)
    assert len(list(tmp_path.iterdir())) == 1
    parcels.forget_old(tmp_path, lambda: time.time() + parcels.INPUT_SECONDS + 60)
    assert list(tmp_path.iterdir()) == []
    parcels.forget_old(tmp_path / "none")


# ---- the station


def test_folders_of_killed_workers_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    from generator.crew import station

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        mark = station.mark_in_name(other.pid)
        theirs = tmp_path / f"{station.ROOM}-{other.pid}-{mark}-abc"
        theirs.mkdir()
        mine = station.fresh_room(tmp_path)
        assert theirs.exists()
        other.kill()
        other.wait()
        second = station.fresh_room(tmp_path)
    assert (theirs.exists(), mine.exists(), second.exists()) == (False, True, True)


def toy_station(**named: Any) -> Any:
    import importlib.util

    path = Path(__file__).with_name("toy_station.py")
    spec = importlib.util.spec_from_file_location("toy_station_here", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Station({}, 0.0, **named)


class Heard:
    """A stream read in a thread."""

    def __init__(self, stream: Iterator[Any]) -> None:
        self.items: list[Any] = []
        self.thread = threading.Thread(target=lambda: self.items.extend(self.each(stream)), daemon=True)
        self.tellings: list[Any] = []
        self.thread.start()

    def each(self, stream: Iterator[Any]) -> Iterator[Any]:
        for item in stream:
            self.tellings.append(item if isinstance(item, tuple) else protocol.decode(item))
            yield item

    def until(self, fits: Any) -> Any:
        deadline = time.monotonic() + 300
        while not (found := [one for one in self.tellings if fits(one)]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found[0]

    def over(self) -> list[Any]:
        self.thread.join(300)
        assert not self.thread.is_alive()
        return self.tellings


def config(**changes: Any) -> dict[str, Any]:
    values = {"prompt": "sunset over the sea", "steps": 24, "seed": 5, "width": 32, "height": 32, "checkpoint_every": 4}
    return GenerateConfig(**{**values, **changes}).to_dict()


def files_among(told: list[Any]) -> dict[str, bytes]:
    return {one[0]: one[1] for one in told if isinstance(one, tuple)}


@pytest.mark.slow
def test_a_station_draws_sends_files_first_and_goes_on_from_them() -> None:
    station = toy_station()
    life = Heard(station.life())
    whole = Heard(station.draw(protocol.encode(Draw(1, 1, config(), "/x")), [], {})).over()
    assert isinstance(whole[-1], Done)
    seen = [one[0] if isinstance(one, tuple) else type(one).__name__ for one in whole]
    frames = [name for name in seen if name.startswith("frames/")]
    assert sorted(set(frames)) == sorted(frames) == [f"frames/{index:06}.jpg" for index in range(25)]
    assert seen.index("frames/000000.jpg") < seen.index("Kept") < seen.index("frames/000024.jpg") < seen.index("Done")
    assert seen.index("checkpoint.safetensors") < seen.index("Kept") < seen.index("picture.png") < seen.index("Done")

    half = Heard(station.draw(protocol.encode(Draw(2, 1, config(steps=5000), "/x")), [], {}))
    half.until(lambda one: isinstance(one, Kept))
    station.take(protocol.encode(Cancel(2, 1)))
    told = half.over()
    assert isinstance(told[-1], Interrupted)
    kept = [(name, data) for name, data in files_among(told).items() if name in parcels.KEPT]
    rest = Heard(station.draw(protocol.encode(Draw(2, 2, config(steps=5000), "/x")), kept, {}))
    began = rest.until(lambda one: isinstance(one, Began))
    assert began.resumed_at == told[-1].step > 0
    station.leave()
    assert isinstance(rest.over()[-1], Interrupted)
    assert "fingerprint" in files_among(life.over())
    assert not station.room.exists()


def told_fingerprint() -> bytes:
    station = toy_station()
    life = station.life()
    name, data = next(life)
    station.leave()
    list(life)
    assert name == "fingerprint"
    return bytes(data)


@pytest.mark.slow
def test_a_machine_that_draws_other_bytes_is_told_by_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = told_fingerprint()
    assert told_fingerprint() == usual
    monkeypatch.setenv("TOY_STRANGER", "1")
    assert told_fingerprint() != usual


def test_a_station_tells_for_ever_that_it_lives() -> None:
    station = toy_station(beat_seconds=0.01)
    life = station.life()
    beats = 0
    while beats < 3:
        beats += isinstance(item := next(life), bytes) and isinstance(protocol.decode(item), Beat)
    station.leave()
    list(life)


def test_a_station_whose_networks_do_not_load_says_so_and_draws_nothing() -> None:
    from generator.crew.station import Station

    def load(config: Any) -> Any:
        raise NotReadyError("There are no such weights.")

    station = Station({}, 0.0, load)
    with pytest.raises(FailedError, match="no such weights"):
        list(station.life())
    assert list(station.draw(protocol.encode(Draw(1, 1, config(), "/x")), [], {})) == []


def test_a_station_whose_card_has_no_room_says_so_as_its_last_word() -> None:
    from generator.crew.station import Station

    def load(config: Any) -> Any:
        raise MemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    (last,) = Station({}, 0.0, load).life()
    assert last[0] == parcels.NO_ROOM


@pytest.mark.slow
def test_a_picture_to_start_from_travels_and_the_recipe_says_what_was_asked(tmp_path: Path) -> None:
    from PIL import Image

    from generator.pictures.reading import read_recipe

    Image.new("RGB", (32, 32), (200, 80, 20)).save(tmp_path / "mine.png")
    asked = config(start=str(tmp_path / "mine.png"), steps=2)
    station = toy_station()
    Heard(station.life())
    inputs = parcels.inputs_of(asked)
    (tmp_path / "mine.png").unlink()  # the node has another disk
    files = files_among(Heard(station.draw(protocol.encode(Draw(1, 1, asked, "/x")), [], inputs)).over())
    (tmp_path / "made.png").write_bytes(files["picture.png"])
    assert json.loads(files["config.json"])["config"]["start"] == asked["start"]
    assert read_recipe(tmp_path / "made.png").config["prompt"] == asked["prompt"]
    station.leave()
