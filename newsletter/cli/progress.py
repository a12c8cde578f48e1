"""Long work shows a bar on a terminal and plain lines elsewhere; on stderr, never on stdout."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

Progressed = Callable[[str, int, int], None]  # what, done, of how many


@contextmanager
def showing_progress() -> Iterator[Progressed]:
    """Give a function to call with what is done so far."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    shown: _Bar | _Lines = _Bar(errors) if errors.is_terminal else _Lines(errors)
    try:
        yield shown
    finally:
        shown.end()


class _Bar:
    """A bar that stands while something is under way."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = Progress(*columns, console=self._console)
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)
        if done >= total:
            self.end()

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._tasks.clear()


class _Lines:
    """One line for each tenth of the work."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if self._said.get(what) != tenth:
            self._said[what] = tenth
            self._console.print(f"{what}: {done} of {total}", markup=False)

    def end(self) -> None:
        """Nothing stays open."""
