"""Collection of raw tables: missing days are fetched, judged row by row, merged with stored rows, and receipted."""
