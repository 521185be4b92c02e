"""How people see what tasks print and display: folded, labelled with their engines, on any screen."""
