"""The methods, one paper a file, and the registry that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vosengine.config import Config
from vosengine.errors import EngineError
from vosengine.methods.guided import Guided
from vosengine.methods.osvos import Osvos
from vosengine.networks.lite import LiteNet
from vosengine.propagate import Method

registry: dict[str, Callable[[Any, Config], Method]] = {"guided": Guided, "osvos": Osvos}


def new_method(network: Any, config: Config) -> Method:
    """One object's method around its own copy of the parent `network`.

    Raises EngineError for an unknown method or one that cannot work with the trunk.
    """
    if config.method not in registry:
        raise EngineError(f"There is no method {config.method!r}; choose one of {', '.join(registry)}.")
    if config.method == "guided" and not isinstance(network, LiteNet):
        raise EngineError("The guided method needs the trunk 'lite'; choose it or the method 'osvos'.")
    return registry[config.method](network, config)
