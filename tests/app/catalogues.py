"""Catalogues for tests: all texts of the program, read from its sources as a translator's tool does."""

import string
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo

SOURCES = Path(__file__).parents[2]
KEYWORDS = {"tr": None, "trn": (1, 2), "mark": None}
OPEN, CLOSE = "⟦", "⟧"


def extracted() -> Catalog:
    """All texts in the code, not translated yet; of a language with two plural forms."""
    catalogue = Catalog(locale="de")
    for package in ("app", "vosengine"):
        found = extract_from_dir(SOURCES / package, keywords=KEYWORDS, comment_tags=())
        for name, line, message, _, _ in found:
            catalogue.add(message, locations=[(f"{package}/{name}", line)])
    return catalogue


def bracketed(padding: float = 0) -> Catalog:
    """Each text in brackets; `padding`: how much longer, as a share of it."""
    catalogue = extracted()
    for message in catalogue:
        if message.pluralizable:
            message.string = tuple(_bracketed(form, padding) for form in message.id)
        elif message.id:
            message.string = _bracketed(message.id, padding)
    return catalogue


def _bracketed(text: str, padding: float) -> str:
    """Only the text's own words: what is filled in shows whether it was translated itself."""
    parts = [_part(*part) for part in string.Formatter().parse(text)]
    return "".join(parts) + (" ~~~~~" * len(text))[: round(padding * len(text))]


def _part(words: str, name: str | None, form: str | None, conversion: str | None) -> str:
    """A piece of a format text: words, and a field after them."""
    escaped = words.replace("{", "{{").replace("}", "}}")
    field = f"{name}{'!' * bool(conversion)}{conversion or ''}{':' * bool(form)}{form}"
    return f"{OPEN}{escaped}{CLOSE}" * bool(words) + ("" if name is None else f"{{{field}}}")


def install(catalogue: Catalog, folder: Path) -> dict[str, str]:
    """Compile it below `folder`; returns the variables that make Rotoshot use it."""
    path = folder / "de" / "LC_MESSAGES" / "rotoshot.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalogue)
    return {"LANGUAGE": "de", "ROTOSHOT_LOCALE": str(folder)}
