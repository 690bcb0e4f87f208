import json

import pytest
import torch
from safetensors.torch import save_file

from vosengine.errors import WeightsError
from vosengine.networks.lite import LiteNet
from vosengine.training.loop import export_weights
from vosengine.weights import bundled, bundled_folder, describe, find, load_network


@pytest.fixture
def exported(tmp_path):
    torch.manual_seed(0)
    network = LiteNet()
    path = tmp_path / "mine.safetensors"
    export_weights(network.state_dict(), path, {"architecture": "lite", "seed": 0})
    return network, path


def test_exported_weights_come_back_in_half_precision(exported):
    network, path = exported
    loaded = load_network("lite", str(path))
    for (key, a), b in zip(network.state_dict().items(), loaded.state_dict().values(), strict=True):
        torch.testing.assert_close(a.half().float(), b, msg=key)
    assert describe(path).card == {"architecture": "lite", "seed": 0}


def test_bundled_weights_carry_a_complete_card():
    names = {checkpoint.path.stem for checkpoint in bundled()}
    assert "lite" in names
    for checkpoint in bundled():
        assert checkpoint.path.stat().st_size < 30e6
        for key in ("architecture", "data", "licence", "recipe", "command", "seed", "scores"):
            assert checkpoint.card[key] not in ("", None, {}), f"{checkpoint.path.stem}: {key}"
        assert checkpoint.card["architecture"] == checkpoint.architecture


def test_weights_of_ones_own_are_found_by_name(exported, monkeypatch):
    monkeypatch.setenv("ROTOSHOT_WEIGHTS", str(exported[1].parent))
    assert find("mine") == exported[1]
    assert find("lite") == bundled_folder() / "lite.safetensors"


def test_missing_weights_name_the_bundled_ones():
    with pytest.raises(WeightsError, match=r"no weights 'nothing'.*lite"):
        find("nothing")


def test_weights_of_another_architecture_are_refused(exported):
    with pytest.raises(WeightsError, match="holds a 'lite' network, not 'osvos_vgg16'"):
        load_network("osvos_vgg16", str(exported[1]))


def test_damaged_and_unfitting_files_give_one_sentence(exported, tmp_path):
    path = exported[1]
    with pytest.raises(WeightsError, match="no architecture 'resnet'; choose one of lite"):
        load_network("resnet", str(path))
    truncated = tmp_path / "cut.safetensors"
    truncated.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(WeightsError, match=r"cut.safetensors is damaged"):
        load_network("lite", str(truncated))
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(3)}, other, {"architecture": "lite"})
    with pytest.raises(WeightsError, match="does not fit this network"):
        load_network("lite", str(other))


def test_a_missing_download_is_one_sentence_with_the_remedy(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(WeightsError, match="could not be downloaded; connect to the network once"):
        load_network("osvos_vgg16", "imagenet")


def test_imagenet_weights_of_torchvisions_layout_are_loaded(monkeypatch):
    from torchvision.models import vgg16

    state = vgg16(weights=None).state_dict()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *a, **k: state)
    network = load_network("osvos_vgg16", "imagenet")
    torch.testing.assert_close(network.stages[4][5].weight, state["features.28.weight"])


def test_cards_are_plain_json(exported):
    assert json.loads(exported[1].with_suffix(".json").read_text("utf-8"))["architecture"] == "lite"
