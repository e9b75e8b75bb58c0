"""The proof's report as one page for people who have never heard of it: self-contained, no script, nothing loaded.

It says in this order what was claimed, how it came out, what was planted and searched, which faults the check was given
on purpose and whether it noticed them, and what the run can't show. Light and dark, and on paper. Counterpart:
`command`, which makes the report; everything here comes from it.
"""

from html import escape
from typing import Any, cast

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1a;--paper:#fdfdfb;--soft:#5d5d58;--line:#d9d8d2;--good:#1a6b3a;--bad:#a3231b}
@media(prefers-color-scheme:dark){:root{--ink:#e9e8e3;--paper:#171716;--soft:#a5a49d;--line:#3a3936;--good:#6fcf97;--bad:#ff8a7f}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:46rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem}h2{font-size:1.2rem;line-height:1.3;margin:0}
h3{font-size:.95rem;margin:1.25rem 0 .25rem}p{margin:.5rem 0}ul{margin:.25rem 0;padding-left:1.2rem}li{margin:.2rem 0}
section{border-top:1px solid var(--line);margin-top:2.25rem;padding-top:1.25rem}
.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.word{font-weight:650}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.45rem .8rem .45rem 0;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600;font-size:.9rem}
td.figure,td.word{white-space:nowrap}th{overflow-wrap:normal}td.figure{text-align:right;font-variant-numeric:tabular-nums}
a{color:inherit}summary{cursor:pointer}
@media print{body{max-width:none;padding:0;font-size:10pt}section{break-inside:auto}h2,h3{break-after:avoid}
li,tr{break-inside:avoid}details>*{display:block}}
"""

_ABOUT = (
    "A VPN provider can say that it keeps nothing; you can't see into its machines. This report comes from a provider "
    "that ran on one machine just for this test, from the same program. Invented customers used it. Each of their "
    "values, a name, an address, a key, had been made up for this run, so wherever one turns up, it came from them.",
    "A search that finds nothing may only be a bad search. So each check was also given faults on purpose: leaks "
    "that a careless change could bring. It passes only if it finds nothing in the honest provider "
    "and notices every planted fault.",
)
_FORMS = {
    "short": "This was the short form, which runs with every change of the program. The whole form runs by night.",
    "whole": "This was the whole form.",
}


def html(report: dict[str, Any]) -> str:
    """The whole page."""
    checks = cast("list[dict[str, Any]]", report["checks"])
    body = "".join((_head(report), _overview(checks), *map(_section, checks), _foot()))
    title = "The proof: " + ("nothing was kept" if report["passed"] else "not shown")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>\n{body}</body></html>\n"
    )


def _head(report: dict[str, Any]) -> str:
    good = bool(report["passed"])
    failed = sum(not one["passed"] for one in report["checks"])
    word = "All checks passed." if good else f"{failed} of {len(report['checks'])} checks did not pass."
    about = "".join(f"<p>{escape(text)}</p>" for text in (*_ABOUT, _FORMS[report["form"]]))
    made = f'<p class="soft">Tyst, {escape(report["day"])}</p>'
    return f'<header><h1>The proof</h1>{made}<p class="word {_tone(good)}">{word}</p>{about}</header>\n'


def _overview(checks: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{escape(one["check"])}">{escape(one["meaning"])}</a></td><td class="word">{_word(one)}</td>'
        f'<td class="figure">{_caught(one)}</td></tr>'
        for one in checks
    )
    head = '<tr><th scope="col">Claim</th><th scope="col">Result</th><th scope="col">Planted faults noticed</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>\n"


def _section(one: dict[str, Any]) -> str:
    parts = [
        f'<section id="{escape(one["check"])}"><h2>{escape(one["meaning"])}</h2>',
        f'<p>{_word(one)} <span class="soft">Check “{escape(one["check"])}”, {_time(one["seconds"])}.</span></p>',
        _found(one),
        _list("What was planted", one["planted"]),
        _list("Where it was searched", one["searched"]),
        _faults(one["faults"]),
        _list("What this run can’t show", one["cannot"]),
        _figures(one["figures"]),
        "</section>\n",
    ]
    return "".join(parts)


def _word(one: dict[str, Any]) -> str:
    if one["broken"]:
        text = f"Could not run ({escape(one['broken'])})."
    elif one["passed"]:
        text = "Passed."
    else:
        text = "Found something." if one["found"] else "A planted fault went unnoticed."
    return f'<span class="word {_tone(one["passed"])}">{text}</span>'


def _tone(good: bool) -> str:
    return "good" if good else "bad"


def _caught(one: dict[str, Any]) -> str:
    return f"{sum(fault['caught'] for fault in one['faults'])} of {len(one['faults'])}"


def _time(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{round(seconds / 60)} minutes"


def _found(one: dict[str, Any]) -> str:
    if one["broken"]:
        return ""
    if not one["found"]:
        return "<h3>What was found</h3><p>Nothing that should not be there.</p>"
    return _list("What was found", one["found"])


def _list(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line[:1].upper() + line[1:])}</li>" for line in lines)
    return f"<h3>{title}</h3><ul>{items}</ul>"


def _faults(faults: list[dict[str, Any]]) -> str:
    if not faults:
        return '<h3>Faults planted on purpose</h3><p class="bad">None: so nothing is shown.</p>'
    rows = "".join(
        f'<tr><td>{escape(fault["what"][:1].upper() + fault["what"][1:])}</td><td class="{_tone(fault["caught"])}">'
        f"{'noticed' if fault['caught'] else 'not noticed'}</td></tr>"
        for fault in faults
    )
    head = '<tr><th scope="col">Fault</th><th scope="col">The check</th></tr>'
    return f"<h3>Faults planted on purpose</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _figures(figures: dict[str, float]) -> str:
    if not figures:
        return ""
    rows = "".join(
        f'<tr><td>{escape(name.replace("_", " "))}</td><td class="figure">{value:,.10g}</td></tr>'
        for name, value in figures.items()
    )
    head = '<thead><tr><th scope="col">Figure</th><th scope="col">Value</th></tr></thead>'
    return f"<details><summary>Figures</summary><table>{head}<tbody>{rows}</tbody></table></details>"


def _foot() -> str:
    return (
        "<section><h2>Run it yourself</h2><p>On a fresh machine with Debian 12: fetch the source, run "
        "<code>make proof</code>, and compare. docs/operate/proof.md says what each check does, in more words.</p>"
        "</section>\n"
    )
