"""The mining loop: propose, parse, measure, judge, record."""
