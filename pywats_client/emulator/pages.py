"""The pages a person looks at: what arrived, and each report with its steps. Every value is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from pywats_client.emulator import drawings

VERDICTS = {
    "P": ("Passed", "good"),
    "F": ("Failed", "bad"),
    "E": ("Error", "bad"),
    "T": ("Terminated", "odd"),
    "D": ("Done", "plain"),
    "S": ("Skipped", "plain"),
}

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #1a7f37; --bad: #cf222e; --odd: #9a6700 }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --odd: #d29922 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; font-weight: 600 } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--line); vertical-align: middle }
th { font-weight: 600; opacity: .7 } .number { text-align: right; font-variant-numeric: tabular-nums }
tr:hover td { background: var(--soft) } a { color: inherit } .faint { opacity: .65 }
.good { color: var(--good) } .bad { color: var(--bad) } .odd { color: var(--odd) } .verdict { font-weight: 600 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem } dt { opacity: .65 } dd { margin: 0 }
details { border-left: 2px solid var(--line); padding-left: .9rem; margin: .25rem 0 }
summary { cursor: pointer } .step { padding: .15rem 0 } .step table { width: auto; margin-left: 1rem }
svg { vertical-align: middle } svg .axis { stroke: var(--line); stroke-width: 2 }
svg .ok { fill: var(--good); opacity: .3 } svg .limit { stroke: var(--good); stroke-width: 1.5 }
svg circle.good { fill: var(--good) } svg circle.bad { fill: var(--bad) }
svg.chart { border: 1px solid var(--line); margin: .3rem 1rem } svg polyline { fill: none; stroke-width: 1.5 }
.line0 { stroke: #0969da } .line1 { stroke: #bc4c00 } .line2 { stroke: #8250df } .line3 { stroke: #1b7c83 }
pre { white-space: pre-wrap; background: var(--soft); padding: .5rem; margin: .2rem 1rem }
"""

COLUMNS = ("Received (UTC)", "Serial number", "Part number", "Process", "Station", "Result", "Times", "Size")


def overview(headers: Sequence[Mapping[str, Any]], total: int) -> str:
    """The list of reports, the newest first, looking again every two seconds."""
    shown = f"the newest {len(headers)} of {total}" if len(headers) < total else str(total)
    heading = "".join(f"<th{' class=number' if name in COLUMNS[-2:] else ''}>{name}</th>" for name in COLUMNS)
    rows = "".join(map(_overview_row, headers))
    empty = "" if headers else "<p class=faint>Nothing has arrived yet.</p>"
    return _page(
        "Reports received",
        f"<h1>Reports received <span class=faint>{shown}</span></h1>"
        f"<table><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>{empty}",
        refresh=True,
    )


def report(header: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """One report: its header, what goes with it, and its steps."""
    about = content.get("uut") or content.get("uur") or {}
    facts = {
        "Result": _verdict(content.get("result")),
        "Part": _text(f"{content.get('pn')}, revision {content.get('rev')}"),
        "Process": _text(f"{header['processCode']} {header['processName']}"),
        "Station": _text(", ".join(str(content.get(key)) for key in ("machineName", "location", "purpose"))),
        "Operator": _text(about.get("user")),
        "Start": _text(content.get("start")),
        "Comment": _text(about.get("comment")),
        "Id": _text(header["uuid"]),
        "Received": _text(f"{header['received']}, {_times(header['receiveCount'])}, {header['reportSize']:,} bytes"),
    }
    kind = "Repair of" if content.get("type") == "R" else "Test of"
    root = content.get("root")
    return _page(
        str(content.get("sn")),
        f"<p><a href='/'>All reports</a></p><h1>{kind} {_text(content.get('sn'))}</h1>{_facts(facts)}"
        + (f"<h2>Steps</h2>{_step(root)}" if root else "")
        + _table("Misc infos", content.get("miscInfos"), ("description", "text", "numeric"))
        + _table("Sub units", content.get("subUnits"), ("partType", "pn", "sn", "rev"))
        + _table("Failures", _failures(content), ("unit", "category", "code", "comRef", "comment"))
        + _table("Assets", content.get("assets"), ("sn", "usageCount")),
    )


def missing() -> str:
    """The page for an id that no report has."""
    return _page("No such report", "<h1>There is no report of this id</h1><p><a href='/'>All reports</a></p>")


def _page(title: str, body: str, *, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="2">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )


def _overview_row(header: Mapping[str, Any]) -> str:
    link = f"<a href='/report/{_text(header['uuid'])}'>{_text(header['serialNumber'])}</a>"
    return (
        f"<tr><td>{_text(header['received'][:19].replace('T', ' '))}</td><td>{link}</td>"
        f"<td>{_text(header['partNumber'])}</td><td>{_text(header['processName'])}</td>"
        f"<td>{_text(header['station'])}</td><td>{_verdict(header['result'])}</td>"
        f"<td class=number>{header['receiveCount']}</td><td class=number>{header['reportSize']:,}</td></tr>"
    )


def _step(step: Mapping[str, Any]) -> str:
    title = f"{_text(step.get('name'))} {_verdict(step.get('status'))}{_seconds(step.get('totTime'))}"
    detail = "".join(
        (
            _measurements(step),
            _chart(step.get("chart")),
            _attachment(step.get("attachment")),
            _words(step.get("errorMessage")),
            _words(step.get("reportText")),
        )
    )
    if (below := step.get("steps")) is not None:
        inside = "".join(map(_step, below))
        return f"<details open><summary>{title}</summary>{detail}{inside}</details>"
    return f"<div class=step>{title}{detail}</div>"


def _measurements(step: Mapping[str, Any]) -> str:
    rows = [
        *map(_numeric_row, step.get("numericMeas") or ()),
        *map(_string_row, step.get("stringMeas") or ()),
        *(
            _row(_text(test.get("name")), "", "", "", _verdict(test.get("status")))
            for test in step.get("booleanMeas") or ()
        ),
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _numeric_row(test: Mapping[str, Any]) -> str:
    low, high, operator = test.get("lowLimit"), test.get("highLimit"), str(test.get("compOp") or "LOG")
    picture = drawings.limits(operator, test.get("value"), low, high, str(test.get("status")))
    allowed = " … ".join(_text(limit) for limit in (low, high) if limit is not None)
    value = f"{_text(test.get('value'))} {_text(test.get('unit'))}"
    return _row(_text(test.get("name")), value, f"{_text(operator)} {allowed}", picture, _verdict(test.get("status")))


def _string_row(test: Mapping[str, Any]) -> str:
    rule = f"{_text(test.get('compOp'))} {_text(test.get('limit'))}"
    return _row(_text(test.get("name")), _text(test.get("value")), rule, "", _verdict(test.get("status")))


def _row(name: str, value: str, rule: str, picture: str, verdict: str) -> str:
    return (
        f"<tr><td>{name}</td><td class=number>{value}</td><td class=faint>{rule}</td>"
        f"<td>{picture}</td><td>{verdict}</td></tr>"
    )


def _chart(chart: Mapping[str, Any] | None) -> str:
    if not chart:
        return ""
    series = [(_floats(one.get("xdata")), _floats(one.get("ydata"))) for one in chart.get("series") or ()]
    axes = " / ".join(f"{chart.get(axis + 'Label')} {chart.get(axis + 'Unit') or ''}".strip() for axis in "xy")
    return f"<div class=faint>{_text(chart.get('label'))} ({_text(axes)})</div>{drawings.curves(series)}"


def _attachment(attachment: Mapping[str, Any] | None) -> str:
    if not attachment:
        return ""
    about = (
        f"{attachment.get('name')} ({attachment.get('contentType')}, {len(attachment.get('data') or ''):,} characters)"
    )
    return f"<div class=faint>Attachment: {_text(about)}</div>"


def _failures(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"unit": unit.get("sn"), **failure}
        for unit in content.get("subUnits") or ()
        for failure in unit.get("failures") or ()
    ]


def _table(title: str, rows: Iterable[Mapping[str, Any]] | None, keys: Sequence[str]) -> str:
    if not rows:
        return ""
    heading = "".join(f"<th>{key}</th>" for key in keys)
    body = "".join("<tr>" + "".join(f"<td>{_text(row.get(key))}</td>" for key in keys) + "</tr>" for row in rows)
    return f"<h2>{title}</h2><table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"


def _facts(facts: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{fact}</dd>" for name, fact in facts.items() if fact) + "</dl>"


def _verdict(status: object) -> str:
    word, kind = VERDICTS.get(str(status), (str(status), "odd"))
    return f"<span class='verdict {kind}'>{_text(word)}</span>"


def _seconds(value: object) -> str:
    return "" if value is None else f" <span class=faint>{_text(value)} s</span>"


def _words(text: object) -> str:
    return f"<pre>{_text(text)}</pre>" if text else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _floats(text: object) -> list[float]:
    return [float(part) for part in str(text or "").split(";") if part.strip()]


def _text(value: object) -> str:
    return "" if value is None else escape(str(value), quote=True)
