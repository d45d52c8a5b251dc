"""Settings files: strict keys, environment over file, paths from the file's folder, no value in an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.core.errors import SettingsError
from blindplate.edge.settings import ProcessSettings, TlsFiles, load


class Sample(ProcessSettings):
    listen: str
    workers: int = 1
    data: Path
    tls: TlsFiles


GOOD = """
listen = "127.0.0.1:1"
data = "state"
[tls]
certificate = "tls.crt"
key = "/keys/tls.key"
authority = "ca.crt"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sample.toml"
    path.write_text(text)
    return path


def test_relative_paths_count_from_the_files_folder_and_absolute_ones_stand(tmp_path: Path) -> None:
    settings = load(Sample, write(tmp_path, GOOD))
    assert settings.data == tmp_path / "state"
    assert settings.tls.certificate == tmp_path / "tls.crt"
    assert settings.tls.key == Path("/keys/tls.key")


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDPLATE_LISTEN", "127.0.0.1:2")
    monkeypatch.setenv("BLINDPLATE_TLS__CERTIFICATE", "other.crt")
    settings = load(Sample, write(tmp_path, GOOD))
    assert settings.listen == "127.0.0.1:2"
    assert settings.tls.certificate == tmp_path / "other.crt"


def test_two_files_of_one_model_do_not_mix(tmp_path: Path) -> None:
    first = load(Sample, write(tmp_path, GOOD))
    second = load(Sample, write(tmp_path, GOOD.replace('"127.0.0.1:1"', '"127.0.0.1:9"')))
    assert (first.listen, second.listen) == ("127.0.0.1:1", "127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD.replace("data", "dta"), "dta"),
        ("workers = 'hush'\n" + GOOD, "workers"),
        (GOOD.replace('key = "/keys/tls.key"', ""), "tls.key"),
        (GOOD + 'other = "x"\n', "tls.other"),
    ],
)
def test_a_wrong_key_is_named_and_its_value_is_not_shown(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Sample, write(tmp_path, text))
    assert named in caught.value.what
    assert "hush" not in str(caught.value)


def test_a_missing_file_and_one_that_is_no_toml_say_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(Sample, tmp_path / "nowhere.toml")
    with pytest.raises(SettingsError, match="not TOML"):
        load(Sample, write(tmp_path, "= ="))
