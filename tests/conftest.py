"""Options that all tests share."""

pytest_plugins = ("tests.helpers.skips",)
