"""The graph in the DOT language of Graphviz."""

from keyhole.graph.render_edges import Answer, labels, lock_words, shown_edges

_SHAPES = {"resolver": "box3d", "forwarder": "box3d", "engine": "box3d", "upstream": "cylinder"}
_COLORS = {"closed": "darkgreen", "open": "red", "unknown": "gray40"}
_STYLES = {"closed": "solid", "open": "dashed", "unknown": "dotted"}


def render_dot(graph: Answer) -> list[str]:
    """The lines: groups are clusters, open edges are red and dashed, those of which nothing is
    known are gray and dotted."""
    names = labels(graph)
    lines = ["digraph keyhole {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for number, group in enumerate(graph["groups"]):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(group['label'])};"]
        lines += [
            f"    {_quoted(one['id'])} [label={_quoted(names[one['id']])}, "
            f"shape={_SHAPES.get(one['kind'], 'box')}];"
            for one in graph["nodes"]
            if one["group"] == group["id"]
        ]
        lines.append("  }")
    lines += [f"  {_edge(one)}" for one in shown_edges(graph)]
    return [*lines, "}"]


def _edge(edge: Answer) -> str:
    state = edge["lock"]["state"]
    label = f"{edge['traffic']['queries']:,}, {lock_words(edge)}"
    return (
        f"{_quoted(edge['source'])} -> {_quoted(edge['target'])} "
        f"[label={_quoted(label)}, color={_COLORS[state]}, style={_STYLES[state]}];"
    )


def _quoted(text: str) -> str:
    """A string of the DOT language; its only escape within quotes is that of the quote, but labels
    read a backslash as the begin of one of their own."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
