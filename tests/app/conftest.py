"""What the tests of the drivers' app share."""

from tests.portal.conftest import garage

__all__ = ["garage"]
