"""The interface's language. Every text that a user reads goes through `tr` or `trn`, no Qt needed.

Catalogues lie in `resources/locale/LANGUAGE/LC_MESSAGES/rotoshot.mo`; the environment (LANGUAGE, LANG) or the
system's locale chooses one when the program starts. English is in the code.
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
    return gettext.translation("rotoshot", str(resource("locale")), languages, fallback=True)


_catalogue = catalogue()


def tr(text: str) -> str:
    """`text` in the user's language. Figures and names go in afterwards, with `.format`."""
    return _catalogue.gettext(text)


def trn(one: str, many: str, count: int) -> str:
    """The form of a text that fits `count` things."""
    return _catalogue.ngettext(one, many, count)
