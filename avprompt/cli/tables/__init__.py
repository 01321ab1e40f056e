"""Tables on the terminal; nothing here measures anything."""
