"""One page that tells a study: collected once from its folder and store, rendered as HTML or
Markdown. `study.report.writing.write` is the way in."""
