"""The demo clip, its truth, its scribbles, and the script that renders them."""
