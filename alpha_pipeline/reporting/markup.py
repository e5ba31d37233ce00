"""
The bare page: style, sections, tables and tiles as HTML strings; every text that enters is escaped here.

What the page says is left to `report`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from alpha_pipeline.reporting.formatting import UNDEFINED
from alpha_pipeline.text.untrusted import clean_line, escape_html, truncate

WIDE, NARROW = 540, 344
_WORD = 28
_DECISIONS = {"LONG", "SHORT", "HOLD"}
_RELATIVE = re.compile(r"(\.\./)?[\w-]+(/[\w-]+)*\.(png|html)", re.ASCII)

_STYLE = """
:root{color-scheme:light dark;--page:#f3f5f8;--card:#fff;--ink:#1b2430;--soft:#586473;--rule:#dfe4ea;--long:#0072b2;
--short:#b84800;--warn:#8a5a00;--warnbg:#fff4d6;--good:#00714c;--goodbg:#e3f5ec;--code:#eef1f5}
@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--ink:#e6edf3;--soft:#9eabb8;--rule:#2c343e;
--long:#56b4e9;--short:#ff9145;--warn:#f0c869;--warnbg:#33290f;--good:#2fc79a;--goodbg:#10291f;--code:#212832}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:1160px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:28px;line-height:1.2;margin:0 0 6px}h2{font-size:20px;margin:44px 0 4px}
h3{font-size:16px;margin:26px 0 0}
p{margin:4px 0;max-width:90ch;text-wrap:pretty}.lead{font-size:17px;margin-top:14px}.soft,small{color:var(--soft)}
a{color:var(--long)}nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:16px 0 0;font-size:14px}
.badge{display:inline-block;border:1px solid var(--rule);border-radius:14px;padding:1px 11px;margin:4px 6px 0 0;
font-size:13px;background:var(--card)}.warn{border-color:var(--warn);color:var(--warn);background:var(--warnbg)}
.notice{border-left:4px solid var(--warn);background:var(--warnbg);padding:8px 14px;border-radius:4px;margin:14px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(320px,100%),1fr));gap:12px;margin:14px 0}
.card{background:var(--card);border-radius:8px;padding:10px 14px}.card h3{margin:0}
.order{display:flex;gap:4px 10px;flex-wrap:wrap;align-items:baseline;margin:6px 0}
.order>b{min-width:54px}.order span{white-space:nowrap}.order i{font-style:normal;color:var(--soft)}
.good{border-left-color:var(--good);background:var(--goodbg)}.notice ul{margin:4px 0 0}
.meter{display:grid;grid-template-columns:minmax(0,11em) 1fr minmax(0,9.5em);gap:10px;align-items:center;font-size:13px;
max-width:640px;margin:3px 0}.meter i{height:8px;border-radius:4px;background:var(--rule);overflow:hidden}
.meter i b{display:block;height:100%;background:var(--long)}.meter i b.over{background:var(--short)}
.tiles{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:12px;margin:14px 0 6px}
.tile{background:var(--card);border-radius:8px;padding:12px 14px}.tile b{display:block;font-size:24px;line-height:1.25;
font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}
.columns{columns:2 480px;column-gap:14px;margin:14px 0}
.columns>*{break-inside:avoid;margin:0 0 14px}
figure{margin:0;background:var(--card);border-radius:8px;padding:6px;overflow:hidden}
figure svg{display:block;width:100%;max-width:640px;height:auto}.narrow{display:none}
.scroll{overflow-x:auto;background:var(--card);border-radius:8px;margin:12px 0;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:7px 12px;border-top:1px solid var(--rule)}
thead th{border-top:0;color:var(--soft);font-weight:500;font-size:13px;vertical-align:bottom}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;overflow-wrap:normal}
td.n,th.n{padding-left:7px;padding-right:7px}.w{white-space:nowrap}.long{min-width:240px}.name{min-width:110px}
td small{display:block}td b{font-weight:600}
code{font:12.5px/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"Noto Sans Mono",monospace}
.d-LONG{color:var(--long);font-weight:600}.d-SHORT{color:var(--short);font-weight:600}.d-HOLD{color:var(--soft)}
details{margin:12px 0}summary{cursor:pointer;color:var(--long)}ul{margin:6px 0;padding-left:20px;max-width:90ch}
li{margin:3px 0}footer{margin-top:44px;color:var(--soft);font-size:13px}
@media(max-width:700px){main{padding:18px 12px 40px}h1{font-size:23px}h2{font-size:18px;margin-top:32px}
.wide{display:none}.narrow{display:block}figure{padding:4px 0}

.tiles{gap:8px}.tile{padding:9px 10px}.tile b{font-size:19px}.tile span{font-size:12px;display:block;line-height:1.35}
th,td{padding:6px 9px}.meter{grid-template-columns:9em 1fr 8em;gap:8px;font-size:12px}
.long{min-width:220px}
.stack,.stack tbody{display:block}.stack thead{display:none}
.stack tr{display:flex;flex-wrap:wrap;gap:1px 14px;padding:9px 10px;border-top:1px solid var(--rule)}
.stack tbody tr:first-child{border-top:0}.stack td{border:0;padding:0}
.stack td.long{flex-basis:100%}
.stack td.w:first-child{font-weight:600}.stack td.name:first-child{flex-basis:100%;font-weight:600}
.stack td.none{display:none}.stack .n::before{content:attr(data-title) " ";color:var(--soft)}}
@media print{body{background:#fff}nav{display:none}.scroll{overflow:visible}}
"""
# Nothing on the page may load, run or send anything, whatever a headline or a model wrote.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(title: str, body: Iterable[str]) -> str:
    """The document around `body`: one file, inline style, no scripts, nothing loaded."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape_html(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(part for part in body if part)
        + "\n</main></body></html>\n"
    )


def section(anchor: str, title: str, body: Iterable[str], intro: str = "") -> str:
    """A titled part of the page that the navigation can jump to; `intro` is text."""
    head = f'<h2 id="{escape_html(anchor)}">{escape_html(title)}</h2>' + paragraph(intro, "soft")
    return head + "\n".join(part for part in body if part)


def market_title(name: str, words: str) -> str:
    """The heading of one market's part with a line under it."""
    return f"<h3>{escape_html(name).capitalize()}</h3>{paragraph(words, 'soft')}"


def navigation(entries: Iterable[tuple[str, str]]) -> str:
    """Links to the sections: (anchor, title)."""
    links = (f'<a href="#{escape_html(anchor)}">{escape_html(title)}</a>' for anchor, title in entries)
    return f"<nav>{''.join(links)}</nav>"


def paragraph(content: str, style: str = "") -> str:
    """Text as a paragraph; nothing when there is no text."""
    return f'<p class="{style}">{escape_html(content)}</p>' if clean_line(content) else ""


def bullets(items: Iterable[str]) -> str:
    """Texts as a list; nothing when there are none."""
    rows = "".join(f"<li><bdi>{escape_html(item)}</bdi></li>" for item in items)
    return f"<ul>{rows}</ul>" if rows else ""


def tiles(entries: Iterable[tuple[str, str]]) -> str:
    """Large figures with a caption: (figure, caption)."""
    cells = (f'<div class="tile"><b>{escape_html(n)}</b><span>{escape_html(c)}</span></div>' for n, c in entries)
    return f'<div class="tiles">{"".join(cells)}</div>'


def card(title: str, words: str, lines: Iterable[str]) -> str:
    """A box with a title, a soft line under it and what belongs to it; `lines` are HTML."""
    return f'<section class="card">{market_title(title, words)}{"".join(lines)}</section>'


def orders(decision: str, named: Sequence[tuple[str, str]], more: int = 0) -> str:
    """A decision and the symbols it holds for: (symbol, confidence), and how many more."""
    label = f'<b class="d-{decision if decision in _DECISIONS else "HOLD"}">{escape_html(decision)}</b>'
    names = "".join(
        f"<span><bdi>{escape_html(truncate(s, _WORD))}</bdi> <i>{escape_html(c)}</i></span>" for s, c in named
    )
    rest = f"<span><i>and {more:,} more</i></span>" if more else ""
    return f'<div class="order">{label}{names}{rest}</div>'


def notice(title: str, items: Iterable[str], good: bool = False) -> str:
    """A coloured box: a sentence and what belongs to it."""
    return f'<div class="notice{" good" if good else ""}"><b>{escape_html(title)}</b>{bullets(items)}</div>'


def meter(label: str, part: float, shown: str) -> str:
    """A bar of how much of a limit is used, in words beside; NaN draws none."""
    full = min(max(part, 0.0), 1.0) if part == part else 0.0
    bar = f'<i><b class="{"over" if full >= 0.8 else ""}" style="width:{100 * full:.1f}%"></b></i>'
    return (
        f'<div class="meter"><span>{escape_html(label)}</span>{bar}<span class="soft">{escape_html(shown)}</span></div>'
    )


def links(entries: Iterable[tuple[str, str]]) -> str:
    """Links to files beside the page: (relative address, title); an address that leads elsewhere is only text."""
    shown = [
        f'<a href="{escape_html(to)}">{escape_html(title)}</a>' if _RELATIVE.fullmatch(to) else escape_html(title)
        for to, title in entries
    ]
    return f"<nav>{''.join(shown)}</nav>" if shown else ""


def badge(content: str, warning: bool = False) -> str:
    """A short label; `warning` makes it stand out."""
    return (
        f'<span class="badge{" warn" if warning else ""}"><bdi>{escape_html(truncate(content, 2 * _WORD))}</bdi></span>'
    )


def chart(draw: Callable[..., str]) -> str:
    """A chart drawn twice, for a desktop and for a phone, from a function of `width`; the fitting one is shown."""
    wide, narrow = draw(width=WIDE), draw(width=NARROW)
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>'


def columns(blocks: Iterable[str]) -> str:
    """Charts and tables in two columns where there is room."""
    return f'<div class="columns">{"".join(blocks)}</div>'


def table(titles: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]], stacked: bool = False) -> str:
    """
    A table that scrolls sideways when it must; nothing when there are no rows.

    Args:
        titles: (title, kind): "n" number, "w" short text (clipped, unbroken), "name", "long", "decision", "state",
            "factor" or "why".
        rows: texts, untrusted; empty ones show as "–". A "factor" is a (name, expression, remark) triple, a "why" a
            pair of text and remark.
        stacked: on a phone each row becomes a block of lines instead.
    """
    head = "".join(f'<th scope="col" class="{_class(kind)}">{escape_html(title)}</th>' for title, kind in titles)
    body = "".join(
        "<tr>" + "".join(_cell(value, *title) for value, title in zip(row, titles, strict=True)) + "</tr>"
        for row in rows
    )
    if not body:
        return ""
    style = ' class="stack"' if stacked else ""
    return (
        f'<div class="scroll" tabindex="0"><table{style}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, content: str) -> str:
    """Content behind a line one opens; nothing when there is none."""
    return f"<details><summary>{escape_html(summary)}</summary>{content}</details>" if content else ""


def _cell(value: Any, title: str, kind: str) -> str:
    if kind == "factor":
        name, expression, remark = (escape_html(part) for part in value)
        small = f"<small><bdi>{remark}</bdi></small>" if remark else ""
        code = f"<br><code><bdi>{expression}</bdi></code>" if expression else ""
        return f'<td class="long"><b><bdi>{name or UNDEFINED}</bdi></b>{code}{small}</td>'
    if kind == "why":
        words, remark = (escape_html(part) for part in value)
        small = f"<small><bdi>{remark}</bdi></small>" if remark else ""
        return f'<td class="long"><bdi>{words or UNDEFINED}</bdi>{small}</td>'
    words = escape_html(truncate(value, _WORD) if kind == "w" else value) or UNDEFINED
    if kind == "state":
        return f'<td class="w">{badge(str(value), warning=value == "late")}</td>'
    if kind == "decision":
        return f'<td class="w d-{words if words in _DECISIONS else "HOLD"}">{words}</td>'
    label = f' data-title="{escape_html(title)}"' if kind == "n" else ""
    style = f"{_class(kind)} none" if words == UNDEFINED and kind == "long" else _class(kind)
    return f'<td class="{style}"{label}><bdi>{words}</bdi></td>'


def _class(kind: str) -> str:
    return {"factor": "long", "why": "long", "decision": "w", "state": "w"}.get(kind, kind)
