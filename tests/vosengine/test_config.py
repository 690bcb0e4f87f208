import pytest

from vosengine.config import PRESET_NOTES, PRESETS, config_from_dict, config_to_dict, preset, setting_names
from vosengine.errors import EngineError


def test_every_preset_has_a_note_and_survives_json():
    assert set(PRESET_NOTES) == set(PRESETS)
    for name in PRESETS:
        assert config_from_dict(config_to_dict(preset(name))) == PRESETS[name]


def test_changes_apply_and_unknown_names_are_refused():
    assert preset("draft", steps=3).steps == 3
    with pytest.raises(EngineError, match="no preset 'fast'; choose one of draft, instant, balanced"):
        preset("fast")
    with pytest.raises(EngineError, match="seed and steps must be at least 0"):
        preset("draft", seed=-1)
    with pytest.raises(EngineError, match="no snapping 'glue'"):
        preset("draft", snap="glue")
    with pytest.raises(EngineError, match="no kind of alpha 'fuzzy'; choose snapped or closed_form"):
        preset("draft", alpha="fuzzy")
    with pytest.raises(EngineError, match="Unknown setting stepz; the settings are alpha, batch_size"):
        preset("draft", stepz=3)


def test_settings_of_a_paper_have_dotted_names():
    config = preset("balanced", **{"iterative.every": 5, "iterative.filter": "kcf_box"})
    assert (config.iterative.every, config.iterative.filter, config.iterative.steps) == (5, "kcf_box", 100)
    assert PRESETS["balanced"].iterative.every == 10
    assert config_from_dict(config_to_dict(config)) == config
    assert setting_names()["iterative.every"] is int
    assert "iterative" not in setting_names()
    with pytest.raises(
        EngineError, match="no filter of own results 'hope'; choose none, largest_blob or kcf"
    ):
        preset("balanced", **{"iterative.filter": "hope"})
    with pytest.raises(EngineError, match="Unknown setting iterative; the settings are"):
        preset("balanced", iterative=5)
