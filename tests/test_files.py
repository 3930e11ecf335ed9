"""Files written whole for their owner, text fit to print, and what a child process may read."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from child import Child

from flows.config.child_environment import child_environment
from flows.files import SHARED_FILE, atomic_write, locked, private_folder
from flows.printable import printable


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_file_is_its_owners_alone_whatever_it_was_before(tmp_path):
    path = tmp_path / "events.geojson"
    path.write_text("old")
    path.chmod(0o644)

    atomic_write(path, "new")

    assert (path.read_text(), mode(path)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_shared_file_can_be_read_by_others(tmp_path):
    atomic_write(tmp_path / "page", b"x", mode=SHARED_FILE)

    assert mode(tmp_path / "page") == 0o644


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path):
    path = tmp_path / "page"
    path.write_text("old")

    with pytest.raises(UnicodeEncodeError):
        atomic_write(path, "half \ud800 character")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_folder_that_was_open_is_closed(tmp_path):
    (tmp_path / "areas").mkdir(mode=0o755)

    private_folder(tmp_path / "areas")
    private_folder(tmp_path / "archive" / "deep")

    assert mode(tmp_path / "areas") == mode(tmp_path / "archive" / "deep") == 0o700


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain nâme ខ្មែរ", "plain nâme ខ្មែរ"),
        ("\x1b]0;title\x07x", "�]0;title�x"),
        ("ក\u200bខ\u200d", "ក\u200bខ\u200d"),
        ("two\nlines\tand", "two lines and"),
        ("\u202eabc\ud800", "�abc�"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_nothing_printed_can_steer_a_terminal(given, shown):
    assert printable(given) == shown


def test_a_child_gets_what_it_needs_and_no_secret():
    given = {"PATH": "/bin", "SH_CLIENT_SECRET": "s", "PREFECT_HOME": "h", "LC_ALL": "C", "SITEWATCH_LEDGER_URL": "u"}

    got = child_environment("PREFECT_", added={"A": "1"}, environment=given)

    assert got == {"PATH": "/bin", "PREFECT_HOME": "h", "LC_ALL": "C", "A": "1"}


HOLD = """
import sys, time
from pathlib import Path
from flows.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of a file."""
    with Child([sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


def test_a_lock_is_held_by_one_process_and_freed_by_a_kill(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    busy = ValueError("somebody is at it")
    with pytest.raises(ValueError, match="somebody is at it"), locked(tmp_path / "lock", patience_s=0, busy=busy):
        pass
    with pytest.raises(TimeoutError), locked(tmp_path / "lock", patience_s=0.1):
        pass
    holder.kill()
    holder.wait()
    with locked(tmp_path / "lock", patience_s=60):
        pass


def test_a_lock_keeps_threads_apart_and_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("content")

    def take() -> bool:
        try:
            with locked(tmp_path / "lock", patience_s=0):
                return True
        except TimeoutError:
            return False

    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path / "lock"):
            assert pool.submit(take).result() is False
        assert pool.submit(take).result() is True
    assert (tmp_path / "lock").read_text() == "content"


def test_a_new_lock_is_its_owners_alone(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        assert mode(tmp_path / "lock") == 0o600
