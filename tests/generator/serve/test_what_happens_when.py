"""Every row of "what happens when": what the friend sees, and what must hold.

`ROWS` says which tests hold each row; those that are no longer there are noticed. What no other file holds stands here.
The chaos run (tests/chaos) does most of it once more, in any order: docs/reliability.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from generator.crew.protocol import Began, Draw, Failed, Kept, Ready
from generator.serve.home import Home
from generator.serve.store import Store

DAY_MS = 86_400_000
HERE = Path(__file__).parent
TESTS = HERE.parents[1]
ROWS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "kill -9 worker": (
        ("generator/serve/test_what_happens_when.py", "test_kill_9_worker_page_says_at_which_step_it_was_interrupted"),
        ("generator/serve/test_dispatcher.py", "test_a_dead_worker_costs_an_attempt_and_no_turn"),
        ("generator/serve/test_whole.py", "test_killed_worker_and_killed_server_cost_no_byte"),
    ),
    "kill -9 server": (
        ("generator/serve/test_whole.py", "test_killed_worker_and_killed_server_cost_no_byte"),
        ("generator/serve/test_friends_in_a_browser.py", "test_a_killed_server_costs_the_open_page_no_event"),
        ("generator/serve/test_refusals.py", "test_who_was_away_for_long_hears_every_event"),
    ),
    "kill -9 parent, or the whole tree": (
        ("generator/serve/test_parent.py", "test_a_child_that_has_not_begun_dies_with_its_parent"),
        ("generator/serve/test_what_happens_when.py", "test_kill_9_parent_and_tree_leave_no_worker_and_no_blame"),
        ("generator/crew/test_worker.py", "test_no_worker_outlives_a_killed_parent"),
    ),
    "power cut, wsl --shutdown, distro ended": (
        ("generator/serve/test_store.py", "test_commits_are_synced"),
        ("generator/serve/test_store.py", "test_wal_only_where_sqlite_keeps_its_promise"),
        ("generator/serve/test_what_happens_when.py", "test_power_cut_an_answer_comes_after_the_sync"),
    ),
    "disk full": (
        ("generator/serve/test_dispatcher.py", "test_a_full_disk_parks_and_one_click_goes_on"),
        (
            "generator/serve/test_dispatcher.py",
            "test_a_full_disk_stops_no_page_and_the_ending_is_written_once_there_is_room",
        ),
        ("generator/serve/test_store.py", "test_a_full_disk_refuses_and_loses_nothing"),
        ("generator/crew/test_worker.py", "test_a_full_disk_is_told_and_the_checkpoint_of_before_stays_whole"),
        ("generator/serve/test_what_happens_when.py", "test_disk_full_the_server_comes_back_with_its_pages"),
    ),
    "CUDA out of memory": (
        (
            "generator/crew/test_endings.py",
            "test_out_of_memory_says_what_fits_and_how_to_try_again_and_the_worker_lives_on",
        ),
        ("generator/serve/test_dispatcher.py", "test_too_little_memory_is_tried_thriftily_once"),
        ("generator/serve/test_what_happens_when.py", "test_out_of_memory_page_says_what_fits"),
    ),
    "other CUDA error, GPU gone": (
        ("generator/crew/test_endings.py", "test_any_other_cuda_error_ends_the_worker"),
        ("generator/serve/test_dispatcher.py", "test_three_lost_devices_in_a_row_pause_the_queue"),
        ("generator/serve/test_what_happens_when.py", "test_other_cuda_error_the_job_keeps_its_place"),
    ),
    "NaN in the loss": (
        ("generator/crew/test_endings.py", "test_numbers_that_are_none_are_told_and_the_worker_lives_on"),
        ("generator/serve/test_dispatcher.py", "test_other_failures_are_final_and_can_be_tried_as_a_new_job"),
    ),
    "OOM killer": (
        ("generator/serve/test_dispatcher.py", "test_three_deaths_park_it_and_the_owner_can_try_again"),
        (
            "generator/serve/test_what_happens_when.py",
            "test_oom_killer_parks_on_the_third_and_the_next_friends_job_runs",
        ),
    ),
    "clock jumps a day": (
        ("generator/serve/test_what_happens_when.py", "test_clock_jumps_change_nothing"),
        ("generator/serve/test_refusals.py", "test_gaming_ends_by_the_clock_that_never_jumps"),
        ("generator/serve/test_access.py", "test_rolling_sessions_survive_a_clock_that_jumps_a_day"),
    ),
    "PC slept": (
        ("generator/serve/test_what_happens_when.py", "test_slept_page_says_for_how_long_and_the_job_goes_on"),
        ("generator/serve/test_what_happens_when.py", "test_each_night_is_told_also_while_no_worker_is_there"),
    ),
    "database damaged": (
        ("generator/serve/test_store.py", "test_a_damaged_database_is_refused_and_the_newest_backup_named"),
        ("generator/serve/test_store.py", "test_pictures_without_their_database_are_no_fresh_start"),
        (
            "generator/serve/test_what_happens_when.py",
            "test_damaged_database_the_command_ends_with_4_and_names_the_backup",
        ),
    ),
    "upgrade with jobs waiting": (
        ("generator/serve/test_what_happens_when.py", "test_upgrade_runs_what_waits_with_its_recorded_settings"),
        (
            "generator/serve/test_old_database.py",
            "test_todays_server_migrates_it_and_draws_what_waits_with_its_recorded_settings",
        ),
        (
            "generator/serve/test_dispatcher.py",
            "test_a_wish_that_this_version_does_not_know_fails_in_words_and_holds_nobody_up",
        ),
        ("generator/crew/test_worker.py", "test_failures_have_codes_and_the_worker_lives_on"),
        ("generator/crew/test_endings.py", "test_a_checkpoint_of_another_version_restarts_at_0_and_says_so"),
    ),
    "cancel races with done, with a crash": (
        ("generator/serve/test_dispatcher.py", "test_cancelled_never_comes_back_whatever_the_worker_says"),
        ("generator/serve/test_queue.py", "test_a_cancelled_job_never_comes_back"),
        ("generator/serve/test_what_happens_when.py", "test_cancel_races_end_in_one_state_on_every_page"),
    ),
}


def test_every_row_is_held_by_tests_that_are_there() -> None:
    for row, tests in ROWS.items():
        for file, name in tests:
            assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), (row, file, name)


def nth(site: Any, waiting: Callable[..., None], number: int = 0) -> Any:
    """The worker that was started as so manyth."""
    waiting(lambda: len(site.crews) > number)
    return site.crews[number]


def test_kill_9_worker_page_says_at_which_step_it_was_interrupted(by_hand: Any, waiting: Any) -> None:
    ann, owner = by_hand.friend("ann"), by_hand.owner()
    key = by_hand.submit(ann)
    first = nth(by_hand, waiting)
    order: Draw = first.next_order(Draw)
    first.tell(Began(order.job, 1), Kept(order.job, 1, 4))
    waiting(lambda: by_hand.rows("SELECT kept_step FROM job")[0][0] == 4)
    owner.post("/owner/mode", data={"mode": "draining"})  # so that it can be looked at before it goes on
    first.die()
    by_hand.until(ann, key, "queued")
    assert "interrupted at step 4, and goes on from there" in ann.get(f"/p/{key}").text
    owner.post("/owner/mode", data={"mode": "drawing"})
    second = nth(by_hand, waiting, 1)
    second.next_order(Draw)
    second.tell(Began(order.job, 2, 4))
    waiting(lambda: "interrupted at step 4, and went on from there" in ann.get(f"/p/{key}").text)


@pytest.mark.slow
def test_kill_9_parent_and_tree_leave_no_worker_and_no_blame(rigs: Callable[..., Any]) -> None:
    rig = rigs(toy_step_seconds=0.02)
    key = rig.submit({"prompt": "sunset over the sea", "preset": "slow"})
    for attempt, is_whole_tree in enumerate((False, True), start=1):
        rig.until(lambda before=attempt: (row := rig.row(key))["attempt"] == before and row["kept_step"] > 0)
        parent = psutil.Process(rig.process.pid)
        family = [parent, *parent.children(recursive=True)]
        assert len(family) >= 3, family  # parent, web process, worker; any of them may be asking the machine something
        for victim in family if is_whole_tree else family[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        rig.process.wait()
        _, alive = psutil.wait_procs(family[1:], timeout=rig.patience_seconds)
        assert not alive
        kept = rig.row(key)["kept_step"]
        rig.start_again()
    rig.until(lambda: rig.row(key)["attempt"] == 3 and rig.row(key)["kept_step"] >= kept)
    assert rig.row(key)["crashes"] == 0
    assert rig.ask("POST", f"/api/v1/jobs/{key}/cancel", json={})["state"] == "cancelled"


SYNCS = """
import os, sqlite3, sys
from pathlib import Path
from generator.serve.store import Store
store = Store(Path(sys.argv[1]))
store.write(lambda db: db.execute("INSERT INTO meta VALUES ('before', 'x')")).result()
print("MARK", flush=True)
store.write(lambda db: db.execute("INSERT INTO meta VALUES ('acknowledged', 'x')")).result()
os.write(1, b"ANSWERED")
os._exit(0)
"""


def test_power_cut_an_answer_comes_after_the_sync(tmp_path: Path) -> None:
    """What the kernel was asked for, in order: rows and journal are synced before anybody is told."""
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,write,pwrite64"
    command = [
        "strace",
        "-f",
        "-y",
        "-e",
        calls,
        "-o",
        str(trace),
        sys.executable,
        "-c",
        SYNCS,
        str(tmp_path / "serve.db"),
    ]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs strace (Debian package strace)")
    if "ptrace" in found.stderr and found.returncode != 0:
        pytest.skip(f"processes may not be traced here: {found.stderr.strip()}")
    lines = trace.read_text().partition("MARK")[2].partition("ANSWERED")[0].splitlines()
    written = [number for number, line in enumerate(lines) if "pwrite64" in line and "serve.db>" in line]
    synced = [number for number, line in enumerate(lines) if "sync(" in line and "serve.db>" in line]
    assert written
    assert synced
    assert synced[-1] > written[-1], "the row was written and not synced before it was acknowledged"


@pytest.mark.slow
def test_disk_full_the_server_comes_back_with_its_pages(rigs: Callable[..., Any], tmp_path: Path) -> None:
    """Killed while its disk is full, it shows its pages again, and what waits goes on once there is room."""
    disk = tmp_path / "home"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=32m", "dreamrig-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs a user who may mount a small disk")
    try:
        rig = rigs(toy_step_seconds=0.02)
        key = rig.submit({"prompt": "sunset over the sea", "preset": "slow"})
        rig.until(lambda: rig.row(key)["kept_step"] > 0)
        with (disk / "fill").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        server = rig.address()["pid"]
        os.kill(server, signal.SIGKILL)
        rig.until(lambda: not psutil.pid_exists(server))
        rig.until(rig.is_up)
        assert rig.row(key)["state"] == "running"
        (disk / "fill").unlink()
        rig.until(lambda: rig.ask("GET", "/api/v1/queue"))
        rig.until(lambda: rig.row(key)["attempt"] == 2 or rig.row(key)["code"] == "disk_full")
        assert rig.ask("POST", f"/api/v1/jobs/{key}/cancel", json={})["state"] == "cancelled"
        rig.stop()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)


def test_out_of_memory_page_says_what_fits(by_hand: Any, waiting: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    key, next_one = by_hand.submit(ann), by_hand.submit(ben)
    crew = nth(by_hand, waiting)
    crew.tell(Failed(crew.next_order(Draw).job, 1, "out_of_memory", "no", fits=48))
    by_hand.until(ann, key, "failed")
    assert "The largest width that fits is 48." in ann.get(f"/p/{key}").text
    crew.draw_now(crew.next_order(Draw))  # the worker lives on
    by_hand.until(ben, next_one, "done")
    assert len(by_hand.crews) == 1


def test_other_cuda_error_the_job_keeps_its_place(by_hand: Any, waiting: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    key = by_hand.submit(ann)
    by_hand.submit(ben)
    first = nth(by_hand, waiting)
    order: Draw = first.next_order(Draw)
    first.tell(Failed(order.job, 1, "device_lost", "CUDA error"), None)
    again: Draw = nth(by_hand, waiting, 1).next_order(Draw)
    assert (again.job, again.attempt) == (order.job, 2)
    assert by_hand.rows("SELECT crashes FROM job WHERE key = ?", key)[0][0] == 0


def test_oom_killer_parks_on_the_third_and_the_next_friends_job_runs(by_hand: Any, waiting: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    key, other = by_hand.submit(ann), by_hand.submit(ben)
    for number in range(3):
        crew = nth(by_hand, waiting, number)
        crew.next_order(Draw)
        crew.die()
    crew = nth(by_hand, waiting, 3)
    crew.draw_now(crew.next_order(Draw))
    by_hand.until(ben, other, "done")
    assert by_hand.until(ann, key, "parked")["code"] == "crashed"
    assert "broke three times" in ann.get(f"/p/{key}").text


def test_clock_jumps_change_nothing(by_hand: Any, waiting: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    first = by_hand.submit(ann, "one")
    crew = nth(by_hand, waiting)
    order: Draw = crew.next_order(Draw)
    keys = [first]
    for days, friend in ((1, ben), (-1, ann), (1, ben)):
        by_hand.wall_offset_ms = days * DAY_MS
        by_hand.service.dispatcher.wake()
        assert friend.get("/queue").status_code == 200, "the session was lost"
        keys.append(by_hand.submit(friend, f"after {days}"))
    crew.draw_now(order)
    by_hand.until(ann, first, "done")
    drawn = [order.job]
    for _ in range(3):
        order = crew.next_order(Draw)
        drawn.append(order.job)
        crew.draw_now(order)
    by_hand.until(ben, keys[-1], "done")
    turns = by_hand.rows("SELECT id FROM job ORDER BY turn, id")
    assert drawn == [row[0] for row in turns]
    assert [row[0] for row in by_hand.rows("SELECT attempt FROM job")] == [1, 1, 1, 1]
    numbers = [row[0] for row in by_hand.rows("SELECT id FROM event ORDER BY id")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(by_hand.crews) == 1


def test_slept_page_says_for_how_long_and_the_job_goes_on(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    crew = nth(by_hand, waiting)
    order: Draw = crew.next_order(Draw)
    crew.tell(Began(order.job, 1))
    by_hand.asleep_seconds = 2 * 3600.0
    by_hand.wall_offset_ms = 2 * 3_600_000
    waiting(lambda: "was asleep for 2.0 h" in ann.get("/").text)
    crew.draw_now(order)
    assert by_hand.until(ann, key, "done")["attempt"] == 1
    waiting(lambda: "was asleep" not in ann.get("/").text)


def test_each_night_is_told_also_while_no_worker_is_there(site: Any, waiting: Any) -> None:
    ann, owner = site.friend("ann"), site.owner()
    site.until_ready()
    owner.post("/owner/mode", data={"mode": "draining"})
    site.service.dispatcher.idle_unload_seconds = 60.0
    site.offset_seconds = 100.0
    waiting(lambda: site.service.hub.worker == "unloaded")
    owner.post("/owner/mode", data={"mode": "drawing"})
    for night in (1, 2, 3):
        site.asleep_seconds = night * 8 * 3600.0
        waiting(lambda: site.service.hub.slept_seconds > 0)
        assert "was asleep for 8.0 h" in ann.get("/").text
        site.service.hub.slept_seconds = 0.0
    site.until(ann, site.submit(ann), "done")
    assert "was asleep" not in ann.get("/").text


def test_damaged_database_the_command_ends_with_4_and_names_the_backup(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    store = Store(home.database)
    (home.backups / "2026-01-01").mkdir(parents=True)
    store.backup(home.backups / "2026-01-01" / "serve.db")
    store.close()
    home.database.write_bytes(b"no database" * 1000)
    found = subprocess.run(
        [sys.executable, "-P", "-m", "dreamrig", "serve", "--port", "1"],
        env={**os.environ, "DREAMRIG_HOME": str(tmp_path)}, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert found.returncode == 4
    assert "is damaged" in found.stderr
    assert "2026-01-01/serve.db" in found.stderr
    assert home.database.read_bytes().startswith(b"no database"), "never a silent new one"


def test_upgrade_runs_what_waits_with_its_recorded_settings(sites: Any, make_offers: Any, waiting: Any) -> None:
    """The new version offers other settings; what waits keeps the ones that were promised, known to it or not."""
    site = sites(at_once=False)
    ann = site.friend("ann")
    first, second = site.submit(ann), site.submit(ann)
    recorded = json.loads(site.rows("SELECT config FROM job WHERE key = ?", first)[0][0])
    unknown = json.dumps({**recorded, "a_setting_of_before": 1})
    site.store(lambda db: db.execute("UPDATE job SET config = ? WHERE key = ?", (unknown, second)))
    site.store(lambda db: db.execute("UPDATE job SET worker = '999999999 gone' WHERE state = 'running'"))
    site.stop()
    later = sites(at_once=False, ready=(Ready("fake", tuple(wider(one) for one in make_offers()), ()),))
    crew = nth(later, waiting)
    order: Draw = crew.next_order(Draw)
    assert order.config == recorded
    crew.draw_now(order)
    order = crew.next_order(Draw)
    assert order.config["a_setting_of_before"] == 1
    crew.tell(Failed(order.job, order.attempt, "bad_request", "there is no setting a_setting_of_before"))
    friend = later.friend("ann")
    later.until(friend, second, "failed")
    assert "This version cannot draw it any more." in friend.get(f"/p/{second}").text
    assert json.loads(later.rows("SELECT config FROM job WHERE key = ?", later.submit(friend))[0][0])["width"] == 64


def wider(offer: dict[str, Any]) -> dict[str, Any]:
    """The offer of a later version."""
    return {**offer, "config": {**offer["config"], "width": 64}}


@pytest.mark.parametrize("how", ["done", "crash"])
def test_cancel_races_end_in_one_state_on_every_page(by_hand: Any, waiting: Any, how: str) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    key = by_hand.submit(ann, "a zeppelin")
    crew = nth(by_hand, waiting)
    order: Draw = crew.next_order(Draw)
    crew.paint(order)
    if how == "done":  # both are on their way in the same moment
        crew.draw_now(order)
    else:
        crew.die()
    answer = ann.post(f"/api/v1/jobs/{key}/cancel").json()
    final = by_hand.until(ann, key, "cancelled", "done")["state"]
    assert final == answer["state"]
    by_hand.submit(ben, "the next one")
    last = by_hand.crews[-1] if how == "done" else nth(by_hand, waiting, 1)
    last.draw_now(last.next_order(Draw))
    for friend in (ann, ben):
        assert friend.get(f"/api/v1/jobs/{key}").json()["state"] == final
        assert f"/p/{key}" not in friend.get("/queue").text
        assert (f"/p/{key}" in friend.get("/gallery").text) == (final == "done")
    ends = by_hand.rows(
        "SELECT kind FROM event JOIN job ON job.id = job WHERE key = ? AND kind IN ('done','cancelled')", key
    )
    assert [row[0] for row in ends] == [final]
