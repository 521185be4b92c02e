"""What is drawn for people, from plain data: tables in HTML, and timelines."""
