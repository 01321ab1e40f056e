"""Runs as something to show: a page that opens anywhere, and tables for papers and scripts."""
