"""What people read: pages, charts, tables in the terminal, alerts."""
