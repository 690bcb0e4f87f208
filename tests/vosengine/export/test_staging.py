from pathlib import Path

import pytest

from vosengine.errors import ExportError
from vosengine.export.staging import Staging


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def test_targets_appear_together_on_commit(tmp_path: Path) -> None:
    targets = [tmp_path / "deep" / "out" / name for name in ("a.mov", "b.mov")]
    with Staging(targets, overwrite=False, folders=False) as staging:
        for target in targets:
            staging.beside(target).write_text(target.stem)
            assert staging.beside(target).suffix == ".mov"
        assert not any(target.exists() for target in targets)
        staging.commit()
    assert tree(tmp_path / "deep" / "out") == {"a.mov": "a", "b.mov": "b"}


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_what_is_not_committed_vanishes_with_the_folders_made_for_it(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    target = tmp_path / "deep" / "out" / "a.mov"

    def fail() -> None:
        with Staging([target], overwrite=False, folders=False) as staging:
            staging.beside(target).write_text("half")
            raise stop

    with pytest.raises(stop):
        fail()
    assert tree(tmp_path) == {}


def test_an_earlier_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "ball"
    target.mkdir()
    (target / "0001.png").write_text("earlier")
    with Staging([target], overwrite=True, folders=True) as staging:
        staging.beside(target).mkdir()
        (staging.beside(target) / "0002.png").write_text("new")
        assert (target / "0001.png").exists()
        staging.commit()
    assert tree(tmp_path) == {"ball": "folder", "ball/0002.png": "new"}


def test_when_one_target_cannot_be_moved_all_stay_as_they_were(tmp_path: Path) -> None:
    targets = [tmp_path / name for name in ("a.mov", "b.mov")]
    for target in targets:
        target.write_text("earlier")

    def commit_without_b() -> None:
        with Staging(targets, overwrite=True, folders=False) as staging:
            staging.beside(targets[0]).write_text("new")
            staging.commit()

    with pytest.raises(FileNotFoundError):
        commit_without_b()
    assert tree(tmp_path) == {"a.mov": "earlier", "b.mov": "earlier"}


def test_occupied_places_are_refused(tmp_path: Path) -> None:
    movie = tmp_path / "a.mov"
    movie.touch()
    pictures = tmp_path / "ball"
    pictures.mkdir()
    (pictures / "0001.png").touch()
    with pytest.raises(ExportError, match="exists already; allow overwriting"):
        Staging([movie], overwrite=False, folders=False)
    with pytest.raises(ExportError, match="is a folder already"):
        Staging([pictures], overwrite=True, folders=False)
    with pytest.raises(ExportError, match="is a file already"):
        Staging([movie], overwrite=True, folders=True)
    (pictures / "notes.txt").touch()
    with pytest.raises(ExportError, match="would be lost"):
        Staging([pictures], overwrite=True, folders=True)
