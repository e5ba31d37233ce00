"""Hostile texts of headlines, models or vendors, with markup, scripts and requests."""


def hostile_texts(address: str) -> list[str]:
    """
    One text per kind of injection.

    Args:
        address: of a server that must never get a request; scripts that run set `window.owned`.
    """
    return [
        f'<img src="{address}/img" onerror="window.owned=1">',
        f"</title></style></script><script src='{address}/script.js'></script><script>window.owned=2</script>",
        f"![picture]({address}/markdown.png) [link]({address}/link) [run](javascript:window.owned=3)",
        f'" onmouseover="window.owned=4" style="background:url({address}/style)',
        f"<svg onload=window.owned=5><image href={address}/svg></svg><iframe src={address}/frame></iframe>",
        "\u202egnp.exe\u2066 \x1b[31m | a | b |\n| --- | --- |\n# heading `code` ```fence",
        f'<a href="javascript:window.owned=6" ping="{address}/ping">x</a>'
        f"<meta http-equiv=refresh content='0;url={address}/meta'>",
        f"{address}/bare www.example.com me@mail.example <{address}/auto> &lt;b&gt; &#x6a;avascript:window.owned=7",
        "$\\frac{x$ \\N{DASH} %s {0} ${owned} {{owned}} " + "w" * 400,
    ]
