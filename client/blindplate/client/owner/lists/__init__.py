"""The forms in which lists come: the UK's 16 columns, plain CSV with a header, Genetec's delimiter form.

Each form says what the columns of a file mean (``layouts.Layout``); what a row then says is judged alike (``rows``).
Specified in docs/spec/owner.md section 2; for a list office in docs/hotlists.md.
"""
