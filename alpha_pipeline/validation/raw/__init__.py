"""Checks of raw tables: validity of rows, contracts of tables, health of feeds, point-in-time joins."""
