"""Long work shows a bar on a terminal and plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

Progressed = Callable[[str, int, int], None]  # what, done, of how many

errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def sending_progress() -> Iterator[Progressed]:
    """Give a function to call with what is done; drawn on stderr, so stdout stays clean."""
    if not errors.is_terminal:
        yield _PlainLines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors) as bars:
        tasks: dict[str, int] = {}

        def progressed(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(bars.tasks[tasks[what]].id, completed=done, total=total)

        yield progressed


class _PlainLines:
    """One line for each tenth of the work."""

    def __init__(self) -> None:
        self.said: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if self.said.get(what) != tenth:
            self.said[what] = tenth
            errors.print(f"{what}: {done} of {total}", markup=False)
