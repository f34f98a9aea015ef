"""The graph as a Mermaid flowchart, which many pages and wikis draw."""

from keyhole.graph.render_edges import Answer, labels, lock_words, shown_edges


def render_mermaid(graph: Answer) -> list[str]:
    """The lines: groups are subgraphs, open edges are dotted."""
    names = labels(graph)
    # Identities hold characters that IDs of Mermaid cannot hold.
    ids = {one["id"]: f"n{number}" for number, one in enumerate(graph["nodes"])}
    lines = ["flowchart LR"]
    for number, group in enumerate(graph["groups"]):
        lines.append(f"  subgraph g{number}[{_quoted(group['label'])}]")
        lines += [
            f"    {ids[one['id']]}[{_quoted(names[one['id']])}]"
            for one in graph["nodes"]
            if one["group"] == group["id"]
        ]
        lines.append("  end")
    for edge in shown_edges(graph):
        arrow = "-->" if edge["lock"]["closed"] else "-.->"
        label = _quoted(f"{edge['traffic']['queries']:,}, {lock_words(edge)}")
        lines.append(f"  {ids[edge['source']]} {arrow}|{label}| {ids[edge['target']]}")
    return lines


def _quoted(text: str) -> str:
    """A string of Mermaid; characters with a meaning are written as numbers."""
    escaped = "".join(
        letter if letter.isalnum() or letter in " .,:-_/()*…" else f"#{ord(letter)};"
        for letter in text
    )
    return f'"{escaped}"'
