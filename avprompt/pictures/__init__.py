"""Arrays to pictures: overlays, contact sheets, galleries."""
