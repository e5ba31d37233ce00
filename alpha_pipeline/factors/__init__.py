"""Factors: identifiers, values, descriptions, and the reference sets that ship."""
