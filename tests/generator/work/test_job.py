"""A run that is ordered by a value, with no command line and no terminal: what a server and a notebook do."""

from __future__ import annotations

import mmap
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import NotReadyError, UsageError
from generator import devices
from generator.events import Event, Step
from generator.models.base import Models
from generator.pictures.reading import read_recipe
from generator.runs import folder as runs
from generator.runs.folder import Run, new_run
from generator.work.execute import Outcome, execute
from generator.work.job import open_job
from generator.work.order import Order
from generator.work.plan import plan
from generator.work.stop import Stop, StopButton

ROOT = Path(__file__).parents[3]
SMALL = {"width": 24, "height": 16, "steps": 6, "seed": 3, "threads": 1, "cutouts": 4, "start": "noise"}


def order(**given: Any) -> Order:
    return Order(prompt="sunset over the zea", given=SMALL | given)


def draw(made: Order, models: Models, base: Path, **more: Any) -> Outcome:
    opening = {name: more.pop(name) for name in ("folder", "out") if name in more}
    with open_job(plan(made), models, base=base, **opening) as job:
        return execute(job, **more)


def test_an_order_becomes_a_picture_in_the_folder_that_the_caller_names(models: Models, tmp_path: Path) -> None:
    seen: list[Event] = []
    outcome = draw(order(), models, tmp_path / "runs", folder="job-7_2", watchers=[seen.append])
    assert outcome.picture == tmp_path / "runs" / "job-7_2" / "picture.png"
    assert (outcome.run.id, outcome.run.status, outcome.run.steps_done) == ("job-7_2", "done", 6)
    assert outcome.unknown_words == {"zea": ["sea", "see"]}
    assert [event.index for event in seen if isinstance(event, Step)] == list(range(6))
    assert read_recipe(outcome.picture).to_config() == plan(order()).to_config(models.defaults)


def test_a_seed_is_drawn_where_none_is_given() -> None:
    free = Order(prompt="fog", given={name: value for name, value in SMALL.items() if name != "seed"})
    assert len({plan(free).to_config({}).seed for _ in range(20)}) > 1
    assert plan(order()).to_config({}).seed == 3


@pytest.mark.parametrize(
    "made",
    [
        Order,
        lambda: Order(prompt="sea:nan"),
        lambda: order(width=7),
        lambda: order(colour="red"),
        lambda: order(start="/absent.png"),
        lambda: order(mask="/absent.png"),
        lambda: Order(prompt="fog", preset="none of ours"),
    ],
)
def test_what_cannot_be_is_refused_before_a_network_is_there(made: Callable[[], Order]) -> None:
    with pytest.raises(UsageError):
        plan(made())


def test_what_goes_on_cannot_be_asked_for_otherwise(tmp_path: Path) -> None:
    run = new_run(prompt="fog", seed=1, steps=2, base=tmp_path)
    for more in ({"prompt": "sea"}, {"given": {"steps": 3}}, {"preset": "crowson"}):
        with pytest.raises(UsageError, match="goes on as it was"):
            Order(continues=run, **more)
    with pytest.raises(UsageError, match="still going on"):
        plan(Order(continues=run))


# ---- stopped from outside


class PressedAt:
    """A watcher that has another thread press the button at a step."""

    def __init__(self, step: int) -> None:
        self.button, self.step = StopButton(), step

    def __call__(self, event: Event) -> None:
        if isinstance(event, Step) and event.index == self.step:
            thread = threading.Thread(target=self.button.press)
            thread.start()
            thread.join()


def test_another_thread_stops_it_and_the_rest_is_the_same_picture(models: Models, tmp_path: Path) -> None:
    whole = draw(order(), models, tmp_path, folder="whole")
    watcher = PressedAt(2)
    stopped = draw(order(), models, tmp_path, folder="part", watchers=[watcher], stop=watcher.button)
    assert (stopped.run.status, stopped.run.steps_done, stopped.is_interrupted) == ("interrupted", 3, True)
    rest = draw(Order(continues=runs.load_run(tmp_path / "part")), models, tmp_path)
    assert (rest.run.id, rest.run.status, rest.report.first_step) == ("part", "done", 3)
    assert rest.picture.read_bytes() == whole.picture.read_bytes()


def test_pressed_before_the_first_step_it_ends_after_it(models: Models, tmp_path: Path) -> None:
    button = StopButton()
    button.press()
    assert draw(order(), models, tmp_path, stop=button).run.steps_done == 1


def test_anything_with_the_two_methods_stops_a_run(models: Models, tmp_path: Path) -> None:
    class AtOnce:
        armed = False

        def arm(self) -> None:
            self.armed = True

        def is_pressed(self) -> bool:
            return self.armed

    stop: Stop = AtOnce()
    assert draw(order(), models, tmp_path, stop=stop).run.steps_done == 1


# ---- the folder


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp", ".hidden", "a b", "x" * 300, "ä", "last"])
def test_a_folder_has_a_plain_name(name: str, models: Models, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name for"):
        draw(order(), models, tmp_path / "runs", folder=name)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_named_folder_is_one_runs_alone(models: Models, tmp_path: Path) -> None:
    draw(order(), models, tmp_path, folder="mine")
    with pytest.raises(UsageError, match="a run mine already"):
        draw(order(), models, tmp_path, folder="mine")


def test_a_folder_that_a_killed_process_left_empty_is_taken_over(models: Models, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert draw(order(), models, tmp_path, folder="mine").run.id == "mine"


def fail(made: Order, models: Models, base: Path, error: BaseException) -> None:
    """Open a job and fail before it is executed."""
    with open_job(plan(made), models, base=base) as job:
        assert (job.run.folder / "config.json").is_file()
        raise error


def test_what_fails_before_the_run_began_leaves_no_folder(models: Models, tmp_path: Path) -> None:
    with pytest.raises(NotReadyError):
        fail(order(), models, tmp_path, NotReadyError("no room"))
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_what_fails_before_an_old_run_went_on_is_noted(models: Models, tmp_path: Path) -> None:
    watcher = PressedAt(1)
    draw(order(), models, tmp_path, folder="part", watchers=[watcher], stop=watcher.button)

    def after(error: BaseException) -> Run:
        with pytest.raises(type(error)):
            fail(Order(continues=runs.load_run(tmp_path / "part")), models, tmp_path, error)
        return runs.load_run(tmp_path / "part")

    assert (after(ValueError("slip")).status, after(ValueError("slip")).error) == ("failed", "slip")
    assert after(KeyboardInterrupt()).status == "interrupted"


def test_two_processes_are_not_at_work_on_one_run(models: Models, tmp_path: Path) -> None:
    watcher = PressedAt(1)
    draw(order(), models, tmp_path, folder="part", watchers=[watcher], stop=watcher.button)
    stopped = runs.load_run(tmp_path / "part")
    with runs.sole_worker(stopped), pytest.raises(UsageError, match="another process"):
        draw(Order(continues=stopped), models, tmp_path)


def test_ordering_and_planning_load_no_torch() -> None:
    code = (
        "import sys; from generator.work import job, order, perform, plan, report, stop\n"
        "plan.plan(order.Order(prompt='fog'))\n"
        "assert not {'torch', 'numpy', 'typer', 'rich'} & set(sys.modules), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a new peak from an old one")
def test_the_peak_memory_is_that_of_this_run_alone(models: Models, tmp_path: Path) -> None:
    """A worker draws one picture after the other in one process; what the first one took is not the second one's."""
    with mmap.mmap(-1, 300 * 2**20) as ballast:  # a bytearray may lie where this process had freed as much before
        ballast[:: mmap.PAGESIZE] = bytes(len(ballast) // mmap.PAGESIZE)
        before = devices.peak_memory_mib(models.image.codebook.device)
    report = draw(order(), models, tmp_path).report
    assert report.peak_memory_of == "run"
    assert before is not None
    assert report.peak_memory_mib is not None
    assert report.peak_memory_mib < before - 200
