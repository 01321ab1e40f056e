"""A method as data: option tables, method files, and their schema."""
