"""Maintenance scripts of the repository; they are not part of the wheel."""
