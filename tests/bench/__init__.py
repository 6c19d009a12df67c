"""How fast the API is, next to what Python can do at best and to what the usual way gives: `make bench`."""
