"""Schedules and sensors: nightly runs, alerts, and the orphaned-run monitor."""
