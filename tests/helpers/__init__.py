"""Stand-ins and instruments that several tests share."""
