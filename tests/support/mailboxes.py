"""Email addresses."""

# Two spellings of one mailbox.
SAME_MAILBOX = [
    ("r8@example.com", "r8@ｅxample.com"),
    ("r8@example.com", "R8@EXAMPLE.com"),
    ("r8@example.com", "r8@exa\u00admple.com"),
    ("r8@example.com", "r8@exam\u200bple.com"),
    ("a@münchen.example", "a@mu\u0308nchen.example"),
    ("a@münchen.example", "a@xn--mnchen-3ya.example"),
    ("a@münchen.example", "A@MÜNCHEN.EXAMPLE"),
    ("a@xn--mnchen-3ya.example", "a@ＭÜnchen.example"),
    ("a@straße.example", "a@xn--strae-oqa.example"),
    ("a@παράδειγμα.example", "a@ΠΑΡΆΔΕΙΓΜΑ.example"),
    ("\u212aelvin@example.com", "kelvin@example.com"),
]
