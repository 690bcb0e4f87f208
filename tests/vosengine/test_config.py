import pytest

from vosengine.config import PRESET_NOTES, PRESETS, config_from_dict, config_to_dict, preset
from vosengine.errors import EngineError


def test_every_preset_has_a_note_and_survives_json():
    assert set(PRESET_NOTES) == set(PRESETS)
    for name in PRESETS:
        assert config_from_dict(config_to_dict(preset(name))) == PRESETS[name]


def test_changes_apply_and_unknown_names_are_refused():
    assert preset("draft", steps=3).steps == 3
    with pytest.raises(EngineError, match="no preset 'fast'; choose one of draft, balanced"):
        preset("fast")
    with pytest.raises(EngineError, match="seed must be at least 0"):
        preset("draft", seed=-1)
    with pytest.raises(EngineError, match="no snapping 'glue'"):
        preset("draft", snap="glue")
    with pytest.raises(EngineError, match="Unknown setting stepz; the settings are batch_size"):
        preset("draft", stepz=3)
