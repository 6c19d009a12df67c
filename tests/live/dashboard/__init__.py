"""The dashboard as its people use it: in Chromium, on a desk and on a phone."""
