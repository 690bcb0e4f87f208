"""`train`: the network's own options, and the module they come from."""

from __future__ import annotations

from importlib import import_module

import pytest

from vosengine import cli
from vosengine.cli import train


def test_help_lists_all_networks(capsys):
    assert cli.main(["train", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{name}:" in printed for name in train.NETWORKS)


@pytest.mark.parametrize("network", train.NETWORKS)
def test_help_of_a_network_lists_its_own_options(network, capsys):
    assert cli.main(["train", network, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: rotoshot train {network}")
    assert "--data DATA" in printed
    assert ("--order {first,second}" in printed) is (network == "meta")


def test_options_arrive_and_the_exit_code_comes_back(monkeypatch):
    given = []
    module = import_module("vosengine.training.meta")
    monkeypatch.setattr(module, "main", lambda arguments: given.append(vars(arguments)) or 5)
    words = ["--network", "mask_rcnn_lite", "--data", "stills", "--out", "runs", "--resume"]
    assert cli.main(["train", "meta", *words]) == 5
    ((values),) = given
    assert (values["network"], values["data"].name, values["resume"]) == ("mask_rcnn_lite", "stills", True)


@pytest.mark.parametrize(
    "words",
    [[], ["sam"], ["--data", "stills", "meta"], ["lite"], ["parent", "--data", "d", "--out", "o", "--x"]],
)
def test_wrong_usage(words, capsys):
    assert cli.main(["train", *words]) == 2
    assert "usage: rotoshot train" in capsys.readouterr().err
