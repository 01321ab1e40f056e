"""A page in a browser: what sounds in pictures and videos, altered sounds at a click, finished runs."""
