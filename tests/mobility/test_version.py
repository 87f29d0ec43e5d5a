import pytest

from mobility.version import from_describe


@pytest.mark.parametrize(
    ("described", "version"),
    [
        ("v1.4.0", "1.4.0"),
        ("v1.4.0-12-gabc1234", "1.4.1-dev.12+gabc1234"),
        ("abc1234", "0.0.0+gabc1234"),
        ("v10.0.3-1-g0", "10.0.4-dev.1+g0"),
    ],
)
def test_a_version_is_semver_from_the_tags(described: str, version: str) -> None:
    assert from_describe(described) == version
