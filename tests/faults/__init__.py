"""What a week of real users would report: one module per section of the report."""
