"""Markets and their data as of a time: calendars, universe, panel, revisions and coverage."""
