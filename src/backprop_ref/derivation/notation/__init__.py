"""From what people type (LaTeX, Markdown, plain text) to one syntax tree."""
