"""From findings to things that people look at: words, figures, workbook, report."""
