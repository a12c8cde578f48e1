"""A site: the folder with its settings, its keys and its database, opened together."""

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from newsletter.config import KEY_FILE, Secrets, Settings, read_secrets, read_settings
from newsletter.errors import Problem
from newsletter.migrations import check_schema, upgrade
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import KeyMismatch, Keys, new_site_key
from subscribers.tables import SiteMark


@dataclass(frozen=True)
class Site:
    """Everything a command needs; made once in a process, shared by its threads."""

    folder: Path
    settings: Settings
    secrets: Secrets
    keys: Keys
    engine: Engine

    @property
    def mailbox(self) -> Path:
        """The Maildir that the practice provider fills."""
        return self.folder / "mailbox"

    @property
    def bulletins(self) -> Path:
        """The folder that staff drop bulletins into."""
        return self.folder / self.settings.intake.folder

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where templates are looked for: the site's own first, then those we ship."""
        return (self.folder / "templates", shipped_templates())


def shipped_templates() -> Path:
    """Return the folder of templates, in a wheel or in a checkout."""
    package = Path(str(resources.files("newsletter")))
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def open_site(folder: Path) -> Site:
    """Open the site in `folder`.

    Raises:
        UnreadableInput: the settings or the key cannot be read.
        Problem: the database is missing, has another schema, or belongs to another key.
    """
    folder = folder.resolve()
    settings = read_settings(folder)
    secrets = read_secrets(folder)
    keys = Keys(secrets.site_key)
    engine = open_engine(database_url(folder, settings))
    check_schema(engine)
    with reading(engine) as session:
        mark = session.get(SiteMark, 1)
    if mark is None or mark.key_fingerprint != keys.fingerprint():
        raise KeyMismatch(
            f"The site key does not belong to the database of {folder}: put the {KEY_FILE} that "
            "was made with it back."
        )
    return Site(folder, settings, secrets, keys, engine)


def create_site(folder: Path, settings_toml: str) -> Site:
    """Make a site in `folder`: settings, key (0600), database, folders for people to use.

    Raises:
        Problem: the folder already holds a site; nothing in it is changed.
    """
    folder = folder.resolve()
    settings_file = folder / "newsletter.toml"
    if settings_file.exists():
        raise Problem(f"There is a site in {folder} already: choose another folder.")
    for name in ("bulletins", "templates"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if not os.environ.get("NEWSLETTER_SECRET_KEY") and not (folder / KEY_FILE).exists():
        handle = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(new_site_key() + "\n")
    settings_file.write_text(settings_toml, encoding="utf-8")
    settings = read_settings(folder)
    keys = Keys(read_secrets(folder).site_key)
    engine = open_engine(database_url(folder, settings))
    upgrade(engine)
    with writing(engine) as session:
        if session.get(SiteMark, 1) is None:
            session.add(SiteMark(id=1, key_fingerprint=keys.fingerprint()))
    engine.dispose()
    return open_site(folder)


def database_url(folder: Path, settings: Settings) -> str:
    """Return the database URL with a relative SQLite path taken from the site's folder."""
    url = make_url(settings.database.url)
    if url.drivername.startswith("sqlite") and url.database and url.database != ":memory:":
        url = url.set(database=str(folder / url.database))
    return url.render_as_string(hide_password=False)
