"""Boards as the classic JSON of Grafana, and what makes it load them."""

import json
from typing import Any

from tools.observe.boards import BOARDS, Board, Panel

FOLDER = "deploy/observability/grafana"
_COLUMNS = 24
_HEIGHTS = {"stat": 4}
_SOURCE = {"type": "prometheus", "uid": "keyhole-prometheus"}


def files() -> dict[str, str]:
    """Path below `FOLDER` and content of each file."""
    boards = {f"boards/{one.uid}.json": json.dumps(_board(one), indent=1) for one in BOARDS}
    provisioning = {
        "provisioning/datasources/keyhole.yaml": _DATASOURCE,
        "provisioning/dashboards/keyhole.yaml": _PROVIDER,
    }
    return {path: text.strip() + "\n" for path, text in (boards | provisioning).items()}


def _board(board: Board) -> dict[str, Any]:
    panels, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(board.panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, row = 0, y + row, 0
        height = _HEIGHTS.get(panel.kind, 8)
        panels.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": height}))
        x, row = x + panel.width, max(row, height)
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["keyhole", "dns"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_JOBS]},
        "panels": panels,
    }


_JOBS = {
    "name": "job",
    "label": "Process",
    "type": "query",
    "datasource": _SOURCE,
    "query": "label_values(keyhole_build_info, job)",
    "refresh": 2,
    "multi": True,
    "includeAll": True,
    "current": {"text": "All", "value": "$__all"},
}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": _SOURCE,
            "expr": expression,
            "legendFormat": legend,
            "instant": panel.kind == "stat",
            "range": panel.kind != "stat",
        }
        for index, (expression, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "gridPos": place,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }


_DATASOURCE = """
apiVersion: 1
datasources:
  - name: Prometheus for Keyhole
    uid: keyhole-prometheus
    type: prometheus
    access: proxy
    url: ${KEYHOLE_PROMETHEUS}
    jsonData:
      timeInterval: 15s
"""
_PROVIDER = """
apiVersion: 1
providers:
  - name: keyhole
    type: file
    folder: Keyhole
    options:
      path: ${KEYHOLE_BOARDS}
"""
