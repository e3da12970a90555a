"""Other libraries' names for pictures of a computation, and ours."""

from __future__ import annotations

__all__ = ["FOREIGN_NAMES", "PICTURE_METHODS"]

FOREIGN_NAMES = {
    "draw_dot": "visualize.draw(y)",
    "draw_graph": "visualize.draw(model, x)",
    "make_dot": "visualize.draw(y)",
    "plot": "visualize.draw(y), or visualize.learning_curves(history)",
    "plot_model": "visualize.draw(model, x)",
    "render": 'visualize.draw(y).save("graph.svg")',
    "show": 'visualize.draw(y), which a notebook shows; elsewhere visualize.draw(y).save("graph.svg")',
    "summary": "nn.summary(model, x), after import nn",
    "trace": "with ag.Tape() as tape: ..., then print(tape)",
    "view": 'visualize.draw(y), which a notebook shows; elsewhere visualize.draw(y).save("graph.svg")',
}
"""Functions of other libraries, and what to write here."""

PICTURE_METHODS = {
    "plot": 'graph.save("graph.svg")',
    "render": 'graph.save("graph.svg")',
    "savefig": 'graph.save("graph.png")',
    "show": 'graph.save("graph.html") and open the file; a notebook shows the graph by itself',
    "source": "graph.to_dot()",
    "to_html": 'graph.save("graph.html")',
    "to_pdf": 'graph.save("graph.pdf")',
    "to_png": 'graph.save("graph.png")',
    "view": 'graph.save("graph.html") and open the file; a notebook shows the graph by itself',
    "write": 'graph.save("graph.svg")',
    "write_png": 'graph.save("graph.png")',
}
"""Methods of other libraries' graphs, and what to write here."""
