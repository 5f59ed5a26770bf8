"""What crosses a boundary: events, identity numbers, areas, forms, problems, limits. No I/O, no clock, no chance."""
