"""The language of what people read. Every such text goes through `tr` or `trn`; no Qt needed.

Catalogues lie in `resources/locale/LANGUAGE/LC_MESSAGES/rotoshot.mo`, or below the folder that the variable
ROTOSHOT_LOCALE names, where a translator tries them. The environment (LANGUAGE, LANG) or the system's locale
chooses the language when the program starts. English is in the code.
"""

from __future__ import annotations

import gettext
import locale
import os

from resources import resource

VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def catalogue() -> gettext.NullTranslations:
    """The translations of the user's language; English where there are none."""
    languages = None
    if not any(os.environ.get(name) for name in VARIABLES):  # Windows sets none of them
        languages = [locale.getlocale()[0] or "en"]
    folder = os.environ.get("ROTOSHOT_LOCALE") or str(resource("locale"))
    return gettext.translation("rotoshot", folder, languages, fallback=True)


_catalogue = catalogue()


def language() -> str:
    """The catalogue's language, as "de" or "pt_BR"; "" without one."""
    return _catalogue.info().get("language", "")


def tr(text: str) -> str:
    """`text` in the user's language. Figures and names go in afterwards, with `.format`."""
    return _catalogue.gettext(text)


def trn(one: str, many: str, count: int) -> str:
    """The form of a text that fits `count` things."""
    return _catalogue.ngettext(one, many, count)


def mark(text: str) -> str:
    """`text` as it is, for what is kept in English and translated where it is shown (an undo step's name)."""
    return text
