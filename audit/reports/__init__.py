"""What a run tells: the page for the section, and later the effect statistics."""
