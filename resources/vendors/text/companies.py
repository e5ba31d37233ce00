"""
Names of companies in headlines: one row per ticker of the default equities.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Company:
    """
    One company.

    Args:
        ticker: as the exchange lists it.
        names: in headlines, the usual one first, lower case.
    """

    ticker: str
    names: tuple[str, ...]


COMPANIES = {
    company.ticker: company
    for company in (
        Company("AAPL", ("apple", "iphone")),
        Company("ABBV", ("abbvie",)),
        Company("ABT", ("abbott laboratories", "abbott labs")),  # "Abbott" alone is a politician as often
        Company("ACN", ("accenture",)),
        Company("ADBE", ("adobe",)),
        Company("AMD", ("advanced micro devices",)),
        Company("AMGN", ("amgen",)),
        Company("AMZN", ("amazon", "amazon.com")),
        Company("AVGO", ("broadcom",)),
        Company("BAC", ("bank of america", "bofa")),
        Company("CAT", ("caterpillar",)),
        Company("COST", ("costco",)),
        Company("CRM", ("salesforce",)),
        Company("CSCO", ("cisco",)),
        Company("CVX", ("chevron",)),
        Company("DIS", ("disney", "walt disney")),
        Company("GE", ("general electric", "ge aerospace")),
        Company("GOOGL", ("alphabet", "google")),
        Company("GS", ("goldman sachs", "goldman")),
        Company("HD", ("home depot",)),
        Company("HON", ("honeywell",)),
        Company("IBM", ("ibm", "international business machines")),
        Company("INTC", ("intel",)),
        Company("JNJ", ("johnson & johnson", "j&j")),
        Company("JPM", ("jpmorgan", "jp morgan", "j.p. morgan")),
        Company("KO", ("coca-cola", "coca cola")),
        Company("LIN", ("linde",)),
        Company("LLY", ("eli lilly",)),
        Company("LOW", ("lowe's", "lowes")),
        Company("MA", ("mastercard",)),
        Company("MCD", ("mcdonald's", "mcdonalds")),
        Company("META", ("meta", "meta platforms", "facebook")),
        Company("MRK", ("merck",)),
        Company("MSFT", ("microsoft",)),
        Company("NFLX", ("netflix",)),
        Company("NKE", ("nike",)),
        Company("NVDA", ("nvidia",)),
        Company("ORCL", ("oracle",)),
        Company("PEP", ("pepsico", "pepsi")),
        Company("PFE", ("pfizer",)),
        Company("PG", ("procter & gamble", "procter and gamble", "p&g")),
        Company("QCOM", ("qualcomm",)),
        Company("TMO", ("thermo fisher",)),
        Company("TSLA", ("tesla",)),
        Company("TXN", ("texas instruments",)),
        Company("UNH", ("unitedhealth", "unitedhealth group")),
        Company("V", ("visa",)),
        Company("VZ", ("verizon",)),
        Company("WMT", ("walmart",)),
        Company("XOM", ("exxonmobil", "exxon mobil", "exxon")),
    )
}
