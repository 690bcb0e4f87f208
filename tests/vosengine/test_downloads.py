"""The real download code of torch on local files, named by their checksums as torchvision names them."""

import hashlib
import re

import pytest
import torch
from torchvision.models._api import Weights, WeightsEnum

from vosengine.downloads import cached_file, downloaded
from vosengine.errors import WeightsError
from vosengine.guides.detector import COCO_NETWORKS


def published(folder, state, cut=None):
    """A weights enum whose address is a local file holding `state`, `cut` to so many bytes."""
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "new.pth")
    contents = (folder / "new.pth").read_bytes()
    name = f"tiny-{hashlib.sha256(contents).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(contents[:cut])
    url = (folder / name).as_uri()
    return WeightsEnum("Tiny", {"DEFAULT": Weights(url, transforms=None, meta={})}).DEFAULT


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of torch's."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "home"


STATE = {"weight": torch.arange(6.0)}


def get(weights):
    return downloaded(weights, "weights of Tiny", "choose another network")


def test_a_first_use_downloads_and_a_second_one_needs_no_network(tmp_path):
    weights = published(tmp_path / "site", STATE)
    assert torch.equal(get(weights)["weight"], STATE["weight"])
    (tmp_path / "site" / cached_file(weights.url).name).unlink()
    assert torch.equal(get(weights)["weight"], STATE["weight"])


def test_without_a_network_the_sentence_names_the_remedies(tmp_path, cache):
    weights = published(tmp_path / "site", STATE)
    (tmp_path / "site" / cached_file(weights.url).name).unlink()
    remedy = f"put {cached_file(weights.url).name} into {cache}/hub/checkpoints, or choose another network"
    with pytest.raises(WeightsError, match=f"weights of Tiny could not be downloaded; .*{remedy}"):
        get(weights)


def test_a_truncated_download_is_not_kept_and_a_retry_works(tmp_path, cache):
    weights = published(tmp_path / "site", STATE, cut=700)
    with pytest.raises(WeightsError, match="connect to the network once and run again"):
        get(weights)
    assert list((cache / "hub" / "checkpoints").iterdir()) == []
    published(tmp_path / "site", STATE)
    assert torch.equal(get(weights)["weight"], STATE["weight"])


@pytest.mark.parametrize("cut", [0, 700])
def test_a_truncated_file_in_the_cache_is_replaced(tmp_path, cut):
    weights = published(tmp_path / "site", STATE)
    file = cached_file(weights.url)
    file.parent.mkdir(parents=True)
    file.write_bytes((tmp_path / "site" / file.name).read_bytes()[:cut])
    assert torch.equal(get(weights)["weight"], STATE["weight"])
    assert file.read_bytes() == (tmp_path / "site" / file.name).read_bytes()


def test_a_file_that_holds_more_than_tensors_is_refused(tmp_path):
    with pytest.raises(WeightsError):
        get(
            published(
                tmp_path / "site", {"weight": test_a_first_use_downloads_and_a_second_one_needs_no_network}
            )
        )


def test_all_published_files_are_named_by_their_checksum():
    from torchvision.models import VGG16_Weights, get_model_weights

    addresses = [get_model_weights(name).DEFAULT.url for name in COCO_NETWORKS.values()]
    for url in [*addresses, VGG16_Weights.IMAGENET1K_FEATURES.url]:
        assert re.fullmatch(r"[0-9a-f]{8}", cached_file(url).stem.rpartition("-")[2])
